// Package exchange is the practice exchange: a small registrar and back-to-back user agent on loopback, with people behind it
// who call and can be called. The demo, the tests and the benchmarks use it; programs that nobody here wrote check it. It is no
// PBX: it keeps nothing on disk, has no dial plan worth the name and knows nothing of Salesforce or desks.
package exchange
