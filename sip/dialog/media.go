package dialog

import "offhook/sip/offer"

// The words of offer and answer, as sessions carry them.
type (
	Codec = offer.Codec
	Local = offer.Local
	Media = offer.Media
)

// Errors of session descriptions. The first is answered 400, the second 488 (RFC 3261 §21.4.26).
var (
	ErrSDP      = offer.ErrSDP
	ErrNoCommon = offer.ErrNoCommon
)
