// Package sip is the telephone: accounts, registration, calls, transfer. Its Phone takes commands that return at
// once and tells what happened as ordered Events. It never decides what an agent wants (that is the desk), knows
// nothing of customers, and its only sound is what package media carries.
package sip
