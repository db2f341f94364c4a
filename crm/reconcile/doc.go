// Package reconcile compares the calls of the ledger with the Tasks of Salesforce for a period, and mends what a person decides.
//
// It names calls whose Task is missing, was never sent, stands there twice or says something else, and Tasks of calls that this
// ledger does not know. Comparing changes nothing anywhere. Mending never deletes a Task that somebody has worked on, overwrites
// what somebody has changed only when told to, and can be repeated: a second run finds nothing more to do.
package reconcile
