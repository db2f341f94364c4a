package dialog

import (
	"strings"

	"offhook/sip/transaction"
)

// asked is a NOTIFY in a call that belongs to no subscription: an exchange that wants the phone to do what a person would (BroadSoft's
// remote control, Event talk and hold), or a stray one.
func (s *Session) asked(tx *transaction.ServerTx, req *transaction.Request) {
	event := strings.ToLower(eventOf(req.Headers))
	wish, possible := WishHold, s.state == confirmed
	switch {
	case s.ua.cfg.Asked == nil, event != "talk" && event != "hold":
		respond(tx, 481, "Subscription does not exist")
		return
	case event == "talk" && s.state == early:
		wish, possible = WishAnswer, !s.outgoing
	case event == "talk":
		wish = WishResume
	}
	switch {
	case !s.ua.cfg.Asked(s, req):
		respond(tx, 403, "")
	case !possible:
		respond(tx, 480, "")
	default:
		respond(tx, 200, "")
		s.emit(Asked{wish})
	}
}
