// Package dialog is INVITE sessions: early dialogs and forks, offer and answer, re-INVITE, UPDATE, PRACK, session timers, REFER, the
// repetition of 2xx responses and the ends of a call, on the ordered transactions of sip/transaction. It describes
// media in SDP but carries none, knows no registrar, no person and no account, and never decides whether a call is
// welcome: its Handler does.
package dialog
