// Package ledger is the durable journal of calls and the outbox of call records, in one SQLite file per profile.
//
// A call is on disk at its INVITE, at every transition and at its end; the transaction that ends it also enqueues its
// record, so that a crash at any instant leaves exactly one record to send. The ledger keeps, orders, finds and counts;
// it never talks to Salesforce, never decides what a record says (payloads are opaque JSON) and never gives up a record
// that was not sent. It knows neither desk nor crm.
package ledger
