// Package post carries what calls leave to Salesforce: the Sender empties the outbox, one Task for every call record, and Errands
// carries out what follows them (changes, recordings, voice calls, what other packages add). Each thing arrives exactly once
// however often it is tried; what Salesforce refuses in part goes with less, and what a person must decide waits for one. It
// decides nothing about calls or customers, which is crm's work, and keeps nothing but in crm/ledger.
package post
