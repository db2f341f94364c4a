// Package offer is the session description of one call: which m-lines it has, what both sides agreed on, and what the next
// offer or answer says (RFC 3264, RFC 8866, RFC 6337). Terms is a value: an exchange works on a copy, which replaces the
// original when it succeeded, so that a refused re-INVITE leaves the session as it was. The package reads what strangers
// write and never panics; it sends nothing, carries no sound and knows neither dialogs nor the order of messages.
package offer
