// Package report counts calls, talk time, missed calls and sign-ins for the people who work with them.
//
// It reads the ledger of this desk, or the Tasks of Salesforce as far as the user may see them, counts in the agent's own time
// zone, and writes what it found as lines, CSV or JSON. Logins, logouts and states are kept here, too, and become Tasks. The package
// never changes a call's record, shows nothing by itself, and decides nothing about calls.
package report
