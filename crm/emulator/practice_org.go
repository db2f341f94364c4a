package emulator

import "time"

// base is what every practice org has: itself, its users, its picklist tables.
func base(now time.Time) *Data {
	d := &Data{}
	born := formatMoment(now.AddDate(-3, 0, 0))
	d.add("Organization", "org", map[string]any{"Name": "Offhook Practice", "InstanceName": "OFF1", "OrganizationType": "Enterprise Edition",
		"DefaultLocaleSidKey": "en_GB", "TimeZoneSidKey": AgentZone, "LanguageLocaleKey": "en_US", "Country": "United Kingdom",
		"LastModifiedDate": formatMoment(now.Truncate(time.Second))})
	agent := d.add("Profile", "profile-agent", map[string]any{"Name": "Contact Centre Agent", "Description": "Takes calls, sees customers, writes tasks"})
	admin := d.add("Profile", "profile-admin", map[string]any{"Name": "System Administrator"})
	centre := d.add("CallCenter", "callcenter", map[string]any{"Name": "offhook desk", "InternalName": "OffhookDesk", "AdapterUrl": "https://localhost", "Version": 4})
	d.add("Group", "queue", map[string]any{"Name": "Call-backs", "DeveloperName": "Call_backs", "Type": "Queue"})
	user := func(ref, first, last, username, ext, profile, zone, locale string, active bool) {
		d.add("User", ref, map[string]any{"FirstName": first, "LastName": last, "Username": username, "Email": username, "Alias": ref[:min(8, len(ref))],
			"Extension": ext, "ProfileId": profile, "TimeZoneSidKey": zone, "LocaleSidKey": locale, "LanguageLocaleKey": "en_US", "EmailEncodingKey": "UTF-8",
			"UserType": "Standard", "IsActive": active, "CallCenterId": centre, "CompanyName": "Offhook Practice", "CreatedDate": born, "LastModifiedDate": born})
	}
	user("alex", "Alex", "Agent", AgentUsername, "2101", agent, AgentZone, "en_GB", true)
	user("priya", "Priya", "Raman", "priya.raman@offhook.example", StoryColleague, agent, AgentZone, "en_GB", true)
	user("tomasz", "Tomasz", "Nowak", "tomasz.nowak@offhook.example", "2102", agent, "Europe/Berlin", "de_DE", true)
	user("grace", "Grace", "Okafor", "grace.okafor@offhook.example", "2103", agent, AgentZone, "en_GB", true)
	user("sam", "Sam", "Rivera", "sam.rivera@offhook.example", "2105", agent, "America/Los_Angeles", "en_US", true)
	user("maria", "Maria", "Lind", "maria.lind@offhook.example", "2001", admin, AgentZone, "en_GB", true)
	user("leaver", "Will", "Leaver", "will.leaver@offhook.example", "", agent, AgentZone, "en_GB", false)
	for i, st := range []string{"Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"} {
		d.add("TaskStatus", "", map[string]any{"MasterLabel": st, "ApiName": st, "SortOrder": i + 1, "IsDefault": i == 0, "IsClosed": st == "Completed"})
	}
	return d
}
