package emulator

var (
	salutations = []string{"Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."}
	leadSources = []string{"Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"}
	industries  = []string{"Agriculture", "Banking", "Communications", "Construction", "Education", "Engineering", "Healthcare",
		"Hospitality", "Manufacturing", "Media", "Retail", "Technology", "Transportation", "Utilities", "Other"}
)

func owner() *field { return ref("OwnerId", "Owner ID", "Owner", "User", "Group") }

func address(prefix, label string) []*field {
	return []*field{
		area(prefix+"Street", label+" Street", 255), str(prefix+"City", label+" City", 40),
		str(prefix+"State", label+" State/Province", 80), str(prefix+"PostalCode", label+" Zip/Postal Code", 20),
		str(prefix+"Country", label+" Country", 80),
	}
}

func list(groups ...any) []*field {
	var out []*field
	for _, g := range groups {
		switch g := g.(type) {
		case *field:
			out = append(out, g)
		case []*field:
			out = append(out, g...)
		}
	}
	return out
}

// crmObjects are the customer objects, with the fields that a fresh Enterprise org describes and offhook may meet.
func crmObjects() []*object {
	return []*object{
		define("Account", "Account", "Accounts", "001", list(
			str("Name", "Account Name", 255).need(), choice("Type", "Account Type", "Prospect", "Customer - Direct", "Customer - Channel", "Partner", "Other"),
			ref("ParentId", "Parent Account ID", "Parent", "Account"), address("Billing", "Billing"), address("Shipping", "Shipping"),
			phone("Phone", "Account Phone"), phone("Fax", "Account Fax"), str("AccountNumber", "Account Number", 40), link("Website", "Website"),
			choice("Industry", "Industry", industries...), currency("AnnualRevenue", "Annual Revenue"), integer("NumberOfEmployees", "Employees"),
			area("Description", "Account Description", 32000), owner(), choice("AccountSource", "Account Source", leadSources...),
			day("LastActivityDate", "Last Activity").readOnly())...).
			cards("Name", "Phone", "Website", "BillingCity", "Industry").
			form("Name", "Phone", "Website", "Type", "Industry", "BillingStreet", "BillingCity", "BillingPostalCode", "BillingCountry", "Description").
			parentOf(child{"Contacts", "Contact", "AccountId"}, child{"Cases", "Case", "AccountId"}, child{"Opportunities", "Opportunity", "AccountId"},
				child{"ChildAccounts", "Account", "ParentId"}, child{"Tasks", "Task", "WhatId"}),
		define("Contact", "Contact", "Contacts", "003", list(
			ref("AccountId", "Account ID", "Account", "Account"), str("LastName", "Last Name", 80).need(), str("FirstName", "First Name", 40),
			choice("Salutation", "Salutation", salutations...), str("Name", "Full Name", 121).readOnly(), address("Mailing", "Mailing"), address("Other", "Other"),
			phone("Phone", "Business Phone"), phone("Fax", "Business Fax"), phone("MobilePhone", "Mobile Phone"), phone("HomePhone", "Home Phone"),
			phone("OtherPhone", "Other Phone"), phone("AssistantPhone", "Asst. Phone"), ref("ReportsToId", "Reports To ID", "ReportsTo", "Contact"),
			email("Email", "Email"), str("Title", "Title", 128), str("Department", "Department", 80), str("AssistantName", "Assistant's Name", 40),
			choice("LeadSource", "Lead Source", leadSources...), day("Birthdate", "Birthdate"), area("Description", "Contact Description", 32000), owner(),
			flag("HasOptedOutOfEmail", "Email Opt Out"), flag("DoNotCall", "Do Not Call"), day("LastActivityDate", "Last Activity").readOnly())...).
			cards("Name", "Title", "AccountId", "Phone", "MobilePhone", "Email").
			form("Salutation", "FirstName", "LastName", "AccountId", "Title", "Phone", "MobilePhone", "Email", "MailingStreet", "MailingCity", "MailingPostalCode", "MailingCountry", "Description").
			parentOf(child{"Cases", "Case", "ContactId"}, child{"Tasks", "Task", "WhoId"}, child{"CampaignMembers", "CampaignMember", "ContactId"}),
		define("Lead", "Lead", "Leads", "00Q", list(
			str("LastName", "Last Name", 80).need(), str("FirstName", "First Name", 40), choice("Salutation", "Salutation", salutations...),
			str("Name", "Full Name", 121).readOnly(), str("Title", "Title", 128), str("Company", "Company", 255).need(),
			area("Street", "Street", 255), str("City", "City", 40), str("State", "State/Province", 80), str("PostalCode", "Zip/Postal Code", 20), str("Country", "Country", 80),
			phone("Phone", "Phone"), phone("MobilePhone", "Mobile Phone"), phone("Fax", "Fax"), email("Email", "Email"), link("Website", "Website"),
			area("Description", "Description", 32000), choice("LeadSource", "Lead Source", leadSources...),
			choice("Status", "Status", "Open - Not Contacted*", "Working - Contacted", "Closed - Converted", "Closed - Not Converted").need(),
			choice("Industry", "Industry", industries...), choice("Rating", "Rating", "Hot", "Warm", "Cold"), integer("NumberOfEmployees", "Employees"), owner(),
			flag("IsConverted", "Converted").readOnly(), day("ConvertedDate", "Converted Date").readOnly(),
			ref("ConvertedAccountId", "Converted Account ID", "ConvertedAccount", "Account").readOnly(),
			ref("ConvertedContactId", "Converted Contact ID", "ConvertedContact", "Contact").readOnly(),
			ref("ConvertedOpportunityId", "Converted Opportunity ID", "ConvertedOpportunity", "Opportunity").readOnly(),
			flag("DoNotCall", "Do Not Call"), flag("HasOptedOutOfEmail", "Email Opt Out"), str("Remote_Id__c", "Remote Id", 80).key().hidden())...).
			cards("Name", "Company", "Status", "Phone", "MobilePhone", "Email").
			form("Salutation", "FirstName", "LastName", "Company", "Title", "Status", "Phone", "MobilePhone", "Email", "LeadSource", "Street", "City", "PostalCode", "Country", "Description").
			parentOf(child{"Tasks", "Task", "WhoId"}, child{"CampaignMembers", "CampaignMember", "LeadId"}),
		define("Opportunity", "Opportunity", "Opportunities", "006", list(
			ref("AccountId", "Account ID", "Account", "Account"), str("Name", "Name", 120).need(), area("Description", "Description", 32000),
			choice("StageName", "Stage", "Prospecting", "Qualification", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost").need(),
			currency("Amount", "Amount"), col("percent", "Probability", "Probability (%)", 0), day("CloseDate", "Close Date").need(),
			choice("Type", "Opportunity Type", "Existing Business", "New Business"), str("NextStep", "Next Step", 255), choice("LeadSource", "Lead Source", leadSources...),
			flag("IsClosed", "Closed").readOnly(), flag("IsWon", "Won").readOnly(), owner(), ref("ContactId", "Contact ID", "Contact", "Contact").createOnly(),
			ref("CampaignId", "Campaign ID", "Campaign", "Campaign"))...).
			cards("Name", "AccountId", "StageName", "CloseDate", "Amount").
			form("Name", "AccountId", "StageName", "CloseDate", "Amount", "NextStep", "Description").
			parentOf(child{"Tasks", "Task", "WhatId"}),
		define("Case", "Case", "Cases", "500", list(
			str("CaseNumber", "Case Number", 30).readOnly(), ref("ContactId", "Contact ID", "Contact", "Contact"), ref("AccountId", "Account ID", "Account", "Account"),
			str("SuppliedName", "Name", 80), email("SuppliedEmail", "Email Address"), str("SuppliedPhone", "Phone", 40), str("SuppliedCompany", "Company", 80),
			choice("Type", "Case Type", "Mechanical", "Electrical", "Electronic", "Structural", "Other"), choice("Status", "Status", "New*", "Working", "Escalated", "Closed"),
			choice("Reason", "Case Reason", "Installation", "Equipment Complexity", "Performance", "Breakdown", "Feedback", "Other"),
			choice("Origin", "Case Origin", "Phone", "Email", "Web"), str("Subject", "Subject", 255),
			choice("Priority", "Priority", "High", "Medium*", "Low"), area("Description", "Description", 32000), flag("IsClosed", "Closed").readOnly(),
			moment("ClosedDate", "Closed Date").readOnly(), flag("IsEscalated", "Escalated"), owner(),
			phone("ContactPhone", "Contact Phone").readOnly(), phone("ContactMobile", "Contact Mobile").readOnly(), email("ContactEmail", "Contact Email").readOnly(),
			area("Comments", "Internal Comments", 4000).noFilter())...).
			named("CaseNumber").cards("CaseNumber", "Subject", "Status", "Priority", "ContactId", "CreatedDate").
			form("ContactId", "AccountId", "Status", "Origin", "Priority", "Subject", "Description").
			parentOf(child{"Tasks", "Task", "WhatId"}),
		define("Campaign", "Campaign", "Campaigns", "701", list(
			str("Name", "Name", 80).need(), choice("Type", "Type", "Conference", "Webinar", "Telemarketing", "Email", "Other"),
			choice("Status", "Status", "Planned*", "In Progress", "Completed", "Aborted"), day("StartDate", "Start Date"), day("EndDate", "End Date"),
			flag("IsActive", "Active"), area("Description", "Description", 32000), owner())...).
			cards("Name", "Type", "Status", "StartDate").
			parentOf(child{"CampaignMembers", "CampaignMember", "CampaignId"}, child{"CampaignMemberStatuses", "CampaignMemberStatus", "CampaignId"}),
		define("CampaignMember", "Campaign Member", "Campaign Members", "00v", list(
			ref("CampaignId", "Campaign ID", "Campaign", "Campaign").need().createOnly(), ref("LeadId", "Lead ID", "Lead", "Lead").createOnly(),
			ref("ContactId", "Contact ID", "Contact", "Contact").createOnly(), choice("Status", "Status", "Sent", "Responded"), // ≤ 40: the text, not an id
			flag("HasResponded", "Responded").readOnly(), day("FirstRespondedDate", "First Responded Date").readOnly(),
			str("Name", "Name", 121).readOnly(), str("FirstName", "First Name", 40).readOnly(), str("LastName", "Last Name", 80).readOnly(),
			str("CompanyOrAccount", "Company (Account)", 255).readOnly(), phone("Phone", "Phone").readOnly(), phone("MobilePhone", "Mobile").readOnly())...).
			cards("Name", "CampaignId", "Status").unsearchable(),
		define("CampaignMemberStatus", "Campaign Member Status", "Campaign Member Statuses", "01Y", list(
			ref("CampaignId", "Campaign ID", "Campaign", "Campaign").need().createOnly(), str("Label", "Label", 765).need(), integer("SortOrder", "Sort Order"),
			flag("HasResponded", "Responded"), flag("IsDefault", "Is Default"))...).named("Label").cards("Label", "HasResponded").fixed(),
	}
}
