// Package sip is the telephone: accounts and the ways to their servers, registration, calls, transfers, conferences, and how
// calls are protected, recorded and kept within a policy. A Phone is one account, a Group several; both take commands that return
// at once and tell what happened as ordered Events. The package never decides what an agent wants (that is the desk), follows
// nothing that a far end asks for unless the policy allows it, knows nothing of customers, and its only sound is what package media
// carries.
package sip
