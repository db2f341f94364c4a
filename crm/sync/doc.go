// Package sync keeps a contact centre's lists and Salesforce's campaigns in step.
//
// It knows dispositions and what they mean for a campaign member, callbacks as open Tasks with a reminder, campaigns and their
// members as a work list, and the jobs that bring both sides together by Salesforce's own kind of schedule. What must be told to
// Salesforce goes through the ledger's errands, so it is told once and for good. The package decides nothing about calls, shows
// nothing, and never writes a call's Task: that is crm's.
package sync
