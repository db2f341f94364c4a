package emulator

// linkObjects are the ones between customers and work: who matters in a deal, what is in the diary, and the record of a
// call that Salesforce's own telephony writes.
func linkObjects() []*object {
	return []*object{
		define("OpportunityContactRole", "Opportunity Contact Role", "Opportunity Contact Role", "00K", list(
			ref("OpportunityId", "Opportunity ID", "Opportunity", "Opportunity").need().createOnly(), ref("ContactId", "Contact ID", "Contact", "Contact").need(),
			choice("Role", "Role", "Business User", "Decision Maker", "Economic Buyer", "Evaluator", "Executive Sponsor", "Influencer", "Other"),
			flag("IsPrimary", "Primary"))...).named("Id").cards("ContactId", "Role").unsearchable(),
		define("Event", "Event", "Events", "00U", list(
			ref("WhoId", "Name ID", "Who", "Contact", "Lead"), ref("WhatId", "Related To ID", "What", "Account", "Campaign", "Case", "Opportunity", "Machine__c"),
			col("combobox", "Subject", "Subject", 255), str("Location", "Location", 255), flag("IsAllDayEvent", "All-Day Event"),
			moment("StartDateTime", "Start Date Time"), moment("EndDateTime", "End Date Time"), integer("DurationInMinutes", "Duration"),
			day("ActivityDate", "Due Date Only").readOnly(), area("Description", "Description", 32000), owner(), choice("Type", "Type", "Call", "Email", "Meeting", "Other"),
			ref("AccountId", "Account ID", "Account", "Account").readOnly(), moment("ReminderDateTime", "Reminder Date/Time"), flag("IsReminderSet", "Reminder Set"))...).
			named("Subject").cards("Subject", "WhoId", "StartDateTime").form("Subject", "StartDateTime", "EndDateTime", "WhoId", "WhatId", "Description"),
		define("VoiceCall", "Voice Call", "Voice Calls", "0LQ", list(
			moment("CallStartDateTime", "Call Start").need().createOnly(), moment("CallEndDateTime", "Call End").need(),
			choice("CallType", "Call Type", "Inbound", "Outbound", "Internal", "Transfer", "Callback").strict().need().createOnly(),
			phone("FromPhoneNumber", "From").need().createOnly(), phone("ToPhoneNumber", "To").createOnly(), integer("CallDurationInSeconds", "Call Duration"),
			str("CallDisposition", "Call Result", 255), str("VendorCallKey", "Vendor Call Key", 100).createOnly(), str("VendorType", "Vendor Type", 40).createOnly(),
			ref("UserId", "User ID", "User", "User").createOnly(), ref("CallCenterId", "Call Center ID", "CallCenter", "CallCenter").createOnly(),
			ref("RelatedRecordId", "Related Record ID", "RelatedRecord", "Account", "Contact", "Lead", "Case", "Opportunity"),
			ref("ActivityId", "Activity ID", "Activity", "Task"), ref("PreviousCallId", "Previous Call ID", "PreviousCall", "VoiceCall"),
			ref("NextCallId", "Next Call ID", "NextCall", "VoiceCall"), owner())...).named("Id").cards("CallType", "FromPhoneNumber", "CallStartDateTime").unsearchable(),
		define("RecordType", "Record Type", "Record Types", "012", list(
			str("Name", "Name", 80), str("DeveloperName", "Record Type Name", 80), str("NamespacePrefix", "Namespace Prefix", 15),
			str("Description", "Description", 255), str("SobjectType", "SObject Type Name", 40), flag("IsActive", "Active"), flag("IsPersonType", "Is Person Type"))...).fixed(),
	}
}
