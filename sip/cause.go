package sip

import (
	"offhook/internal/text"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// endCause puts the end of a session into the desk's words.
func endCause(e dialog.Ended, outgoing, closing bool) EndCause {
	if closing && e.ByUs && e.Cause != dialog.CauseTransferred {
		return EndShutdown
	}
	switch e.Cause {
	case dialog.CauseBye:
		return EndNormal
	case dialog.CauseCancelled:
		return EndCancelled
	case dialog.CauseElsewhere:
		return EndAnsweredElsewhere
	case dialog.CauseNoACK:
		return EndNoACK
	case dialog.CauseNoMedia:
		return EndNoMedia
	case dialog.CauseTransferred:
		return EndTransferred
	case dialog.CauseReplaced:
		return EndReplaced
	case dialog.CauseRejected:
		return statusCause(e.Code, outgoing)
	}
	return EndNetwork
}

// statusCause reads a final response; of an inbound call it is our own.
func statusCause(code int, outgoing bool) EndCause {
	switch {
	case code == 408 || code == 480:
		return EndNoAnswer
	case !outgoing && code != 488:
		return EndDeclined
	}
	switch code {
	case 486, 600:
		return EndBusy
	case 404, 410, 416, 484, 485, 604:
		return EndUnknownNumber
	case 401, 407:
		return EndUnauthorised
	case 415, 488, 606:
		return EndNoMedia
	case 487:
		return EndCancelled
	}
	if code >= 500 && code < 600 {
		return EndNetwork
	}
	return EndDeclined
}

// phrase is the reason that a person reads: the far end's words, else the standard ones.
func phrase(code int, raw string) text.Text {
	if t := text.Clean(raw); !t.Empty() {
		return t
	}
	return text.Clean(transaction.ReasonPhrase(code))
}
