// Package lacks is what an org may lack for calls and their records, in the sentences of one table: doctor prints them with their steps, the
// desk shows them as one line, and docs/troubleshooting.md is made from them. It asks Salesforce nothing and decides nothing.
package lacks

import "offhook/internal/checkup"

// The levels, short.
const (
	note    = checkup.Note
	warning = checkup.Warning
	problem = checkup.Problem
)

// Rules are what can be lacking in Salesforce.
func Rules() checkup.Rules { return append(accessRules(), recordRules()...) }

// accessRules are about getting in: network, sign-in, user, API.
func accessRules() checkup.Rules {
	return checkup.Rules{
		checkup.NewRule("net.unreachable", problem, "Salesforce cannot be reached ({why})",
			"callers are not looked up; records wait on disk",
			"Look whether this machine has a network and a name service", "Let it reach *.salesforce.com and *.force.com on TCP 443; behind a proxy set HTTPS_PROXY", "Check salesforce.login_url"),
		checkup.NewRule("net.tls", problem, "The certificate of {host} is not believed ({why})",
			"somebody between this machine and Salesforce opens the encryption, or the clock is wrong: nothing is sent",
			"Compare this machine's clock", "Where a company proxy opens TLS: add its authority to this system's certificates, or except *.salesforce.com and *.force.com"),
		checkup.NewRule("net.host", problem, "{why}", "offhook sends its token to Salesforce's own hosts only: nothing was sent",
			"Check salesforce.login_url, then run offhook login"),
		checkup.NewRule("signin.none", problem, "Nobody is signed in to Salesforce", "callers are not looked up; records wait on disk",
			"Run offhook login"),
		checkup.NewRule("signin.refused", problem, "Salesforce does not accept the sign-in: {why}", "callers are not looked up; records wait on disk",
			"{do}"),
		checkup.NewRule("signin.scope", warning, "The sign-in has not the scope {scope}", "{means}",
			"Setup → External Client App Manager → the app → Edit → OAuth Settings: add the scope {scope}", "Run offhook login again"),
		checkup.NewRule("user.inactive", problem, "The user {user} is not active", "Salesforce ends this user's sign-in at any moment",
			"Setup → Users → {user} → Edit: tick Active; where it says Unfreeze, press it"),
		checkup.NewRule("user.agent", problem, "salesforce.username names no active user of this org", "no record would have an owner",
			"Set salesforce.username to the agent whom the call records belong to", "Give the app's Run As user View All Users"),
		checkup.NewRule("api.disabled", problem, "The REST API is switched off for this user or org", "callers are not looked up; records wait on disk",
			"Setup → Permission Sets → the agents' set → System Permissions: tick API Enabled (docs/salesforce has a set that does)", "The org's edition must have the API: Enterprise, Unlimited, Performance, Developer, or Professional with it", "The app must have the scope api; run offhook login again"),
		checkup.NewRule("api.version", problem, "{why}", "offhook cannot speak with this org",
			"Empty salesforce.api_version, and check salesforce.login_url"),
		checkup.NewRule("api.refused", problem, "Salesforce refuses what every user may ask: {why}", "callers are not looked up; records wait on disk",
			"Try again in a few minutes; then show this line to your administrator"),
		checkup.NewRule("api.limit", problem, "The org's API calls of the last 24 hours are used up", "lookups stop; records wait on disk until calls are free again",
			"Setup → Company Information: API Requests, Last 24 Hours tells how many; Setup → API Usage Last 7 Days who used them", "Find the program that uses them, or buy more"),
		checkup.NewRule("api.budget", warning, "{percent} % of the org's API calls of 24 hours are used ({used} of {max})", "offhook looks callers up more thriftily from 80 % on and only known ones from 95 %; records are sent all the same",
			"Setup → API Usage Last 7 Days tells who used them"),
		checkup.NewRule("clock.skew", warning, "This machine's clock is {skew} {direction} Salesforce's", "start and end of calls are wrong in every record",
			"Let the system set its clock (timedatectl set-ntp true)"),
		checkup.NewRule("clock.key", problem, "This machine's clock is {skew} {direction} Salesforce's", "signing in by key fails: its assertion lives for three minutes. Times in records are wrong",
			"Let the system set its clock (timedatectl set-ntp true)"),
		checkup.NewRule("centre.none", warning, "The user belongs to no call centre", "offhook works without; Salesforce's own reports and layouts for call centres leave this user out",
			"offhook callcenter export > offhook.xml, when the org has none yet; Setup → Call Centers → Import", "Setup → Call Centers → the call centre → Manage Call Center Users → Add More Users"),
		checkup.NewRule("centre.unknown", note, "Whether the user belongs to a call centre cannot be read", "nothing is missing for calls",
			"Setup → Object Manager → User → Fields & Relationships → Call Center → Set Field-Level Security, where your org has call centres"),
	}
}

// recordRules are about what a user may see and write.
func recordRules() checkup.Rules {
	return checkup.Rules{
		checkup.NewRule("task.hidden", problem, "The user may not see Tasks", "calls cannot be recorded in Salesforce; they wait on disk",
			"Setup → Permission Sets → the agents' set → System Permissions: tick Access Activities and Edit Tasks"),
		checkup.NewRule("task.create", problem, "The user may not create Tasks", "calls cannot be recorded in Salesforce; they wait on disk",
			"Setup → Permission Sets → the agents' set → System Permissions: tick Edit Tasks"),
		checkup.NewRule("task.call_field", warning, "Task has no field {field} that the user may fill", "what stands in it goes into the description only, so reports cannot count it",
			"Setup → Company Information → Feature Licenses: Salesforce CRM Call Center (or Service Cloud, Sales Engagement) must be there for the user", "Setup → Object Manager → Task → Fields & Relationships → {field} → Set Field-Level Security: tick Visible and untick Read-Only for the agents' profile"),
		checkup.NewRule("task.field", warning, "Task has no field {field} that the user may fill", "records are written without it",
			"Setup → Object Manager → Task → Fields & Relationships → {field} → Set Field-Level Security: tick Visible and untick Read-Only for the agents' profile"),
		checkup.NewRule("key.missing", warning, "The call key field Offhook_Call_Key__c is not there, or the user may not fill it", "records are still written once, but only by a look before each repetition",
			"Install the fields: docs/salesforce/README.md (sf project deploy start), or Setup → Object Manager → Activity → Fields & Relationships → New → Text, 64, Unique, External ID, name Offhook_Call_Key", "Assign the permission set Offhook Agent to the agents"),
		checkup.NewRule("key.unique", warning, "The call key field Offhook_Call_Key__c is not unique", "it cannot prevent double records and is not used",
			"Setup → Object Manager → Activity → Fields & Relationships → Offhook_Call_Key → Edit: tick Unique, case sensitive"),
		checkup.NewRule("key.external", warning, "The call key field Offhook_Call_Key__c is no external id", "it prevents double records, but it is not indexed for looking records up by it",
			"Setup → Object Manager → Activity → Fields & Relationships → Offhook_Call_Key → Edit: tick External ID"),
		checkup.NewRule("key.short", problem, "The call key field Offhook_Call_Key__c holds {length} characters, fewer than a key's 36", "Salesforce refuses every record that has it: they are sent again without, which doubles the API calls",
			"Setup → Object Manager → Activity → Fields & Relationships → Offhook_Call_Key → Edit: Length 64"),
		checkup.NewRule("fields.package", note, "{count} of the {all} fields of docs/salesforce are not there for this user ({fields})", "what they would hold stands in the description",
			"docs/salesforce/README.md: deploy the fields and assign the permission set Offhook Agent, if reports are to use them"),
		checkup.NewRule("map.field", warning, "record.map: Task has no field {field} that the user may fill", "it is left out of every record",
			"Correct the name in record.map (Setup → Object Manager → Task → Fields & Relationships shows it as Field Name)", "Or let the agents see it: the field → Set Field-Level Security"),
		checkup.NewRule("data.field", warning, "sip.data: Task has no field {field} that the user may fill", "what calls tell for it stands in the description",
			"Correct the name in sip.data, or let the agents see the field: Setup → Object Manager → Task → Fields & Relationships → the field → Set Field-Level Security"),
		checkup.NewRule("status.setting", warning, "record.status: {status} is not a status that closes a Task", "{used} is used; the org has {closed}",
			"Choose one of them for record.status, or Setup → Object Manager → Task → Fields & Relationships → Status → the value → Edit: tick Closed"),
		checkup.NewRule("status.action", warning, "record.statuses: the org has no status {status} for {action} calls", "the usual status is written; the org has {statuses}",
			"Choose one of them in record.statuses"),
		checkup.NewRule("status.closed", problem, "No status closes a Task in this org", "each call leaves an open Task in somebody's list",
			"Setup → Object Manager → Task → Fields & Relationships → Status → a value → Edit: tick Closed"),
		checkup.NewRule("status.unknown", warning, "The statuses of Tasks cannot be read", "Completed is written, which may not be a status of this org",
			"Give the user read access to Tasks (System Permissions: Access Activities)"),
		checkup.NewRule("lookup.none", problem, "None of the objects that callers are looked up in can be read ({objects})", "every caller is unknown",
			"Setup → Permission Sets → the agents' set → Object Settings: Read for each of them"),
		checkup.NewRule("object.hidden", warning, "The user may not see {object}, or the org has no such object", "callers are not looked up there",
			"Setup → Permission Sets → the agents' set → Object Settings → {object}: tick Read", "Or take it out of the softphone layout"),
		checkup.NewRule("object.phone", warning, "{object} has no telephone number that the user may see", "no caller is found there",
			"Setup → Object Manager → {object} → Fields & Relationships → each phone field → Set Field-Level Security: tick Visible for the agents' profile"),
		checkup.NewRule("object.create", warning, "The user may not create {object}", "New cannot save a record for an unknown caller",
			"Setup → Permission Sets → the agents' set → Object Settings → {object}: tick Create", "Or choose another object: the softphone layout's NoMatch, or salesforce.no_match"),
		checkup.NewRule("create.object", warning, "[create]: the user may not create {object}", "calls that should leave one leave only their Task",
			"Setup → Permission Sets → the agents' set → Object Settings → {object}: tick Create", "Or take it out of create.preset and create.objects"),
		checkup.NewRule("object.compact", note, "The compact layout of {object} cannot be read", "its card shows name, numbers and e-mail only",
			"Setup → Object Manager → {object} → Compact Layouts: choose a primary one that the user may see"),
		checkup.NewRule("layout.field", warning, "The softphone layout shows {object}.{field}, which the user may not see", "it is left out",
			"Setup → Object Manager → {object} → Fields & Relationships → {field} → Set Field-Level Security", "Or take it out of the layout: offhook layout check --org"),
		checkup.NewRule("case.hidden", note, "The user may not see Cases", "cards show no open cases",
			"Setup → Permission Sets → the agents' set → Object Settings → Cases: tick Read, where your agents work with cases"),
		checkup.NewRule("campaign.hidden", warning, "The user may not see {object}", "campaigns, their work list and results for members are off",
			"Setup → Users → the user → Edit: tick Marketing User, where the org has the licence", "Setup → Permission Sets → the agents' set → Object Settings → Campaigns: tick Read"),
		checkup.NewRule("campaign.update", warning, "The user may not change campaign members", "results of calls do not become their status",
			"Setup → Users → the user → Edit: tick Marketing User", "Setup → Permission Sets → the agents' set → Object Settings → Campaigns: tick Read and Edit"),
		checkup.NewRule("campaign.status", warning, "Salesforce does not let this user add a status to a campaign", "campaigns.new_statuses has no effect: a result whose status a campaign lacks is told and not written",
			"Add the statuses to the campaign in Salesforce: Campaign → Campaign Member Statuses", "Set campaigns.new_statuses = false"),
		checkup.NewRule("lead.key", warning, "campaigns.lead_key: {object} has no external id field {field} that the user may fill", "the job leads creates nobody",
			"Setup → Object Manager → {object} → Fields & Relationships: a text field with Unique and External ID, visible to the agents", "Or correct campaigns.lead_key"),
		checkup.NewRule("voice.off", warning, "record.target: the user may not write voice calls ({why})", "calls are written as Tasks",
			"Assign the permission set of Salesforce's own telephony: Dialer Outbound (Sales Dialer), or Contact Center Agent (Service Cloud Voice)", "Or set record.target = \"task\""),
		checkup.NewRule("attach.off", warning, "recording.attach: the user may not upload files", "recordings stay on this machine",
			"Setup → Permission Sets → the agents' set → Object Settings → Tasks: Edit, and Salesforce Files must be on for the org (Setup → Salesforce Files)"),
		checkup.NewRule("duplicate.rule", note, "Duplicate rules are active for {objects}", "saving a New form may ask whether to use the record that is there already",
			"Nothing, if that is wanted; Setup → Duplicate Rules"),
		checkup.NewRule("answers.none", note, "What Salesforce's documentation leaves open is not settled for this org", "offhook takes the careful way: it searches in two ways at once",
			"offhook selftest --org, best in a sandbox: it makes some records and deletes them"),
		checkup.NewRule("search.strict", note, "The phone search of this org keeps numbers as they are typed, so digits do not find one with spaces", "callers are found by the usual spellings, asked for beside the search; one whose number is typed in an unusual way is not",
			"Store numbers as digits, or as +442079460999", "Or set salesforce.scan = [\"Contact\"], where there are not too many records to read through"),
		checkup.NewRule("answers.old", note, "What was settled for this org was settled with API v{then}; now it is v{now}", "Salesforce may have changed since; what is known is still used",
			"offhook selftest --org"),
	}
}

// AdminNotes are the steps of other integrations that a terminal does not need, for whoever compares.
func AdminNotes() []string {
	return []string{
		"Nothing is to be set up for Lightning Web Security, CSP trusted URLs, named credentials, the utility bar or Open CTI: no page of Salesforce runs offhook.",
		"To show the fields of docs/salesforce to people: Setup → Object Manager → Task → Page Layouts.",
	}
}

// Line is a rule that applies, as one line for the desk: what is lacking, what that means, and who knows the steps. pairs are those of
// checkup.Rule.With.
func Line(id string, pairs ...string) string {
	f := Rules().Get(id).With(pairs...)
	return f.What.String() + ": " + f.Means.String() + " (offhook doctor)"
}
