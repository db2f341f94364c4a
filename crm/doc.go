// Package crm is the customer: who has a number, what the record's card and forms show, which record a call belongs to, and the
// Task that a call makes by the settings' map and template. It asks Salesforce through crm/salesforce; what carries records there
// is crm/post, how numbers are read crm/number. It knows nothing of telephones, and never guesses among many.
package crm
