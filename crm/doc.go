// Package crm is the customer: which number belongs to whom, what the record's card shows, which record a call
// belongs to, and the Task that is written when the call ends. It asks Salesforce through crm/salesforce and
// stores what must not be lost through crm/ledger. It knows nothing of telephones, and never guesses among many.
package crm
