package emulator

// packageFields are the fields that docs/salesforce installs on Activity, all or none: the call key, and what a call tells.
func packageFields() []*field {
	text := func(name, label string, length int) *field { return str("Offhook_"+name+"__c", label, length).hidden() }
	return []*field{
		str(CallKeyField, "Offhook Call Key", 64).key().hidden(),
		text("Action", "Action", 40), text("Action_Outcome", "Action Outcome", 255), text("Agent_Name", "Agent Name", 255), text("Agent_ID", "Agent ID", 40),
		text("Call_ID", "Call ID", 64), text("Caller_ID", "Caller ID", 80), text("Campaign_Name", "Campaign Name", 80), text("Initiator", "Initiator", 40),
		text("Number_Dialed", "Number Dialed", 80), text("Recording_Link", "Recording Link", 255), text("Recording_Status", "Recording Status", 40),
		text("Transfer_Destination", "Transfer Destination", 80), text("Transfer_Type", "Transfer Type", 40), text("Call_Type", "Offhook Call Type", 40),
		number("Offhook_Voicemail_Duration__c", "Voicemail Duration").hidden(), moment("Offhook_Voicemail_Timestamp__c", "Voicemail Timestamp").hidden(),
		text("Reason", "Reason", 255), moment("Offhook_Call_Start__c", "Call Start").hidden(), text("Correlation", "Correlation", 64),
	}
}
