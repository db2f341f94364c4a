package emulator

// CallKeyField is the external-id field that offhook installs on Activity and addresses as Task.Offhook_Call_Key__c.
const CallKeyField = "Offhook_Call_Key__c"

// CallIDField is an external-id field that the practice org's admin once made without Unique: two Tasks can have the
// same value, and an upsert by it answers 300.
const CallIDField = "Call_Id__c"

// activityObjects are Task and its statuses. The call key is a metadata package: an org has it or has not.
func activityObjects(callKey bool) []*object {
	fields := list(
		ref("WhoId", "Name ID", "Who", "Contact", "Lead"),
		ref("WhatId", "Related To ID", "What", "Account", "Campaign", "Case", "Opportunity", "Machine__c"),
		integer("WhoCount", "Relation Count").readOnly(), integer("WhatCount", "Related To Count").readOnly(),
		col("combobox", "Subject", "Subject", 255), day("ActivityDate", "Due Date Only"),
		choice("Status", "Status", "Not Started*", "In Progress", "Completed", "Waiting on someone else", "Deferred").need(),
		choice("Priority", "Priority", "High", "Normal*", "Low").need(), flag("IsHighPriority", "High Priority").readOnly(),
		owner(), area("Description", "Description", 32000), choice("Type", "Type", "Call", "Email", "Meeting", "Other"),
		ref("AccountId", "Account ID", "Account", "Account").readOnly(), flag("IsClosed", "Closed").readOnly(),
		flag("IsArchived", "Archived").readOnly(),
		integer("CallDurationInSeconds", "Call Duration"), choice("CallType", "Call Type", "Internal", "Inbound", "Outbound").strict(),
		str("CallDisposition", "Call Result", 255), str("CallObject", "Call Object Identifier", 255),
		moment("ReminderDateTime", "Reminder Date/Time"), flag("IsReminderSet", "Reminder Set"),
		choice("TaskSubtype", "Task Subtype", "Task*", "Email", "ListEmail", "Cadence", "Call", "LinkedIn").strict().createOnly(),
		moment("CompletedDateTime", "Completed Date").readOnly(), str(CallIDField, "Call Id", 80).lookup().hidden())
	if callKey {
		fields = append(fields, packageFields()...)
	}
	return []*object{
		define("Task", "Task", "Tasks", "00T", fields...).named("Subject").
			cards("Subject", "WhoId", "WhatId", "ActivityDate", "Status").
			form("Subject", "ActivityDate", "WhoId", "WhatId", "Status", "Priority", "Description"),
		define("TaskStatus", "Task Status Value", "Task Status Values", "01Z", list(
			str("MasterLabel", "Master Label", 255), str("ApiName", "API Name", 255), integer("SortOrder", "Sort Order"),
			flag("IsDefault", "Is Default"), flag("IsClosed", "Closed"))...).named("MasterLabel").cards("MasterLabel").fixed(),
	}
}

// setupObjects are the ones that a client reads to know where it is.
func setupObjects() []*object {
	return []*object{
		define("User", "User", "Users", "005", list(
			str("Username", "Username", 80).need(), str("LastName", "Last Name", 80).need(), str("FirstName", "First Name", 40), str("Name", "Full Name", 121).readOnly(),
			str("Alias", "Alias", 8), str("CompanyName", "Company Name", 80), str("Department", "Department", 80), str("Title", "Title", 80), email("Email", "Email").need(),
			phone("Phone", "Phone"), str("Extension", "Extension", 40), phone("MobilePhone", "Mobile"), flag("IsActive", "Active").given(true),
			choice("TimeZoneSidKey", "Time Zone", "Europe/London", "Europe/Berlin", "America/Los_Angeles", "America/New_York", "Asia/Tokyo").strict(),
			choice("LocaleSidKey", "Locale", "en_GB", "en_US", "de_DE").strict(), choice("LanguageLocaleKey", "Language", "en_US", "en_GB", "de").strict(),
			choice("EmailEncodingKey", "Email Encoding", "UTF-8").strict(), choice("UserType", "User Type", "Standard").strict().readOnly(),
			ref("ProfileId", "Profile ID", "Profile", "Profile"), ref("CallCenterId", "Call Center ID", "CallCenter", "CallCenter"),
			ref("ManagerId", "Manager ID", "Manager", "User"))...).
			cards("Name", "Title", "Phone", "Extension"),
		define("Profile", "Profile", "Profiles", "00e", str("Name", "Name", 255), str("Description", "Description", 255)).fixed(),
		define("Group", "Group", "Groups", "00G", str("Name", "Name", 40), str("DeveloperName", "Developer Name", 80), choice("Type", "Type", "Queue", "Regular")).fixed(),
		define("CallCenter", "Call Center", "Call Centers", "04v", str("Name", "Name", 255), str("InternalName", "Internal Name", 240),
			str("AdapterUrl", "CTI Adapter URL", 2000), area("CustomSettings", "Custom Settings", 32000), number("Version", "Version")).fixed(),
		define("Organization", "Organization", "Organizations", "00D", list(
			str("Name", "Name", 80), str("InstanceName", "Instance Name", 5), flag("IsSandbox", "Is Sandbox"), moment("TrialExpirationDate", "Trial Expiration Date"),
			str("NamespacePrefix", "Namespace Prefix", 15), choice("OrganizationType", "Edition", "Developer Edition", "Enterprise Edition"),
			str("DefaultLocaleSidKey", "Locale", 40), str("TimeZoneSidKey", "Time Zone", 40), str("LanguageLocaleKey", "Language", 40), phone("Phone", "Phone"),
			str("Country", "Country", 80))...).fixed(),
		define("ScratchOrgInfo", "Scratch Org Info", "Scratch Org Infos", "2SR", str("ScratchOrg", "Scratch Org", 15), str("Status", "Status", 40)).fixed(),
	}
}
