// Package peers proves offhook with programs nobody here wrote.
//
// Its tests build the program, give it a real file of settings and a terminal, and let SIPp and baresip call it, be called
// by it and leave it in the middle of things. Each story ends at the practice Salesforce: exactly one Task for every call,
// about the right person. The package has no code of its own and nothing imports it. A peer that is not installed makes its
// tests skip; with OFFHOOK_PEERS_REQUIRED=1 they fail instead.
package peers
