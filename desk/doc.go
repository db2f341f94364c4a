// Package desk is the heart: one agent's calls, callers and records as one state machine.
//
// A Machine is a plain function of state and event; it does no I/O, starts no goroutine and reads no clock (time comes
// in with the event). A Desk is the one loop that runs a Machine: it takes events from the telephone, the CRM, the ledger,
// timers and people, applies them, carries the effects out and publishes an immutable Snapshot. Every front end (screen,
// tape, supervisor) shows snapshots and sends commands; none has rules of its own.
package desk
