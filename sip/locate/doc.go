// Package locate finds the servers of a SIP domain: RFC 3263 with NAPTR, SRV, A and AAAA, a cache that keeps to the
// records' lives, and a memory of servers that failed, so that a phone goes to the next one and returns to its first
// choice. It never opens a SIP connection, knows nothing of SIP messages, and believes nothing of an answer but what
// was asked for.
package locate
