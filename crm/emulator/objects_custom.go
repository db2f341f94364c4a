package emulator

// customObjects are what the practice org's admin has made: machines at customers' sites, with a telephone beside each. offhook
// must not know them in advance.
func customObjects() []*object {
	return []*object{
		define("Machine__c", "Machine", "Machines", "a00", str("Name", "Machine Name", 80).need(), ref("Account__c", "Account", "Account__r", "Account"),
			phone("Site_Phone__c", "Site Phone"), str("Serial_Number__c", "Serial Number", 40), choice("State__c", "State", "Running", "Stopped"),
			choice("Fault__c", "Fault", "None", "Noise", "No power", "Broken").depends("State__c", map[string][]string{
				"None": {"Running"}, "Noise": {"Running", "Stopped"}, "No power": {"Stopped"}, "Broken": {"Stopped"}}),
			choices("Services__c", "Services", "Install", "Repair", "Inspect"), owner()).
			cards("Name", "Serial_Number__c", "Site_Phone__c").parentOf(child{"Tasks", "Task", "WhatId"}),
	}
}

// personAccounts gives accounts and contacts the fields of an org with person accounts: a person is an account and a contact that
// are one record to people.
func personAccounts(objects []*object) {
	for _, o := range objects {
		switch o.name {
		case "Account":
			o.fields = append(o.fields, flag("IsPersonAccount", "Is Person Account").readOnly(), ref("PersonContactId", "Contact ID", "PersonContact", "Contact").readOnly(),
				phone("PersonMobilePhone", "Mobile"), phone("PersonHomePhone", "Home Phone"), email("PersonEmail", "Email"),
				str("PersonTitle", "Title", 80), day("PersonBirthdate", "Birthdate"), str("FirstName", "First Name", 40), str("LastName", "Last Name", 80),
				choice("Salutation", "Salutation", salutations...))
		case "Contact":
			o.fields = append(o.fields, flag("IsPersonAccount", "Is Person Account").readOnly())
		default:
			continue
		}
		o.index()
	}
}
