package transaction

import (
	"errors"
	"fmt"
)

// Errors that a caller decides on. All are wrapped with what was attempted; compare with errors.Is.
var (
	// ErrTimeout: no final response within 64·T1 (Timer B or F), or none within 64·T1 after our CANCEL. RFC 3261
	// §8.1.3.1 says to treat it as a 408.
	ErrTimeout = errors.New("no answer from the far end")
	// ErrFlowDown: the socket or connection ended, or writing to it failed. RFC 3261 §8.1.3.1 says to treat it as a 503.
	ErrFlowDown = errors.New("the connection is down")
	// ErrCertificate: the far end of a TLS connection could not prove who it is, or does not accept our certificate; see CertificateError.
	ErrCertificate = errors.New("the certificate is not accepted")
	// ErrInsecure: a request to a sips URI may leave over TLS only (RFC 3261 §26.2.2).
	ErrInsecure = errors.New("a sips address can be reached over TLS only")
	// ErrTooLarge: the request is larger than Config.UDPMax and must go over TCP (RFC 3261 §18.1.1).
	ErrTooLarge = errors.New("the request is too large for UDP")
	// ErrPortTaken: another program, or another account, listens on this port.
	ErrPortTaken = errors.New("the port is in use")
	// ErrClosed: the Layer was closed.
	ErrClosed = errors.New("the transaction layer is closed")
	// ErrTerminated: ClientTx.Terminate was called.
	ErrTerminated = errors.New("the transaction was given up")

	// ErrCancelled: the INVITE was cancelled by its sender; it has already been answered 487.
	ErrCancelled = errors.New("the call was cancelled by the caller")
	// ErrAnswered: the transaction already has its final response.
	ErrAnswered = errors.New("the request was already answered")

	// ErrWrongPassword: the server refused our credentials, or those of a client are wrong.
	ErrWrongPassword = errors.New("wrong user name or password")
	// ErrNoCredentials: the request carries none for our realm, or we have none for theirs.
	ErrNoCredentials = errors.New("no credentials for this realm")
	// ErrStaleNonce: the credentials are for a nonce that is no longer valid; ask again with stale=true.
	ErrStaleNonce = errors.New("the nonce is no longer valid")
	// ErrNoChallenge: none of the challenges of a 401 or 407 can be answered (unknown or forbidden algorithm, auth-int only).
	ErrNoChallenge = errors.New("no supported authentication method")
)

// FieldError says that one part of a message or URI cannot be read, or must not be sent because it would change the
// meaning of the message (CR, LF, NUL).
type FieldError struct {
	Field string // "From", "Request-URI", "user"
	Why   string
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Why) }
