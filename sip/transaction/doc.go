// Package transaction is the ordered transaction layer of offhook: SIP requests and responses over UDP sockets and TCP
// and TLS connections (RFC 3261 §17 and §18, RFC 5922, RFC 6026, RFC 3581), digest authentication (RFC 7616, RFC 8760), and the types in
// which everything above speaks of SIP messages. It stands on sipgo's parser, transports and transaction machines, and
// is the only package that imports them.
//
// Its promise is order: whatever belongs to one Call-ID is delivered one at a time, in the order in which it came off
// the wire. It knows nothing of dialogs, calls or registrations, never dials a host by name, and never lets a message
// through that is not valid.
package transaction
