package desk

import (
	"strconv"
	"strings"
	"time"

	"offhook/internal/text"
)

// Offer is a number that another program handed over, such as the browser for a tel: link. Nobody is called by it: any web page can
// open such a link. A front end shows it in the dial box, where it costs the agent nothing, or names the key that does.
type Offer struct {
	ID      uint64    `json:"id"` // grows; the answer (TakeOffer) names it
	At      time.Time `json:"at"`
	Number  text.Text `json:"number"`
	Ext     text.Text `json:"ext,omitzero"`     // extension, to be sent when the call is up
	Context text.Text `json:"context,omitzero"` // where a local number is one: +44, example.com
	Quiet   bool      `json:"quiet,omitempty"`  // it follows another one so soon that it must not open anything by itself
}

// NumberOffered: another program asks for a call.
type NumberOffered struct{ Number, Ext, Context text.Text }

func (NumberOffered) deskEvent() {}

// How offers are kept from being a nuisance: a program in a loop opens one box, and what nobody wanted goes away.
const (
	offerPause = 3 * time.Second
	offerLasts = 2 * time.Minute
	offerTimer = "offer "
)

// offered keeps the newest number; the one before is forgotten.
func (t *turn) offered(ev NumberOffered) {
	if t.quit || !dialable(ev.Number.String()) {
		return
	}
	soon := !t.offeredAt.IsZero() && t.at.Sub(t.offeredAt) < offerPause && !t.at.Before(t.offeredAt)
	t.offers++
	t.offeredAt = t.at
	t.offer = &Offer{ID: t.offers, At: t.at, Number: ev.Number, Ext: ev.Ext, Context: ev.Context, Quiet: soon}
	t.do(After{ID: TimerID(offerTimer + strconv.FormatUint(t.offers, 10)), In: offerLasts})
}

// takeOffer ends an offer: it stands in the dial box now, or nobody wants it. A newer one stays.
func (t *turn) takeOffer(id uint64) {
	switch {
	case t.offer == nil:
		t.say(Info, "", "The number from outside was asked for too long ago.")
	case t.offer.ID != id:
		t.say(Info, "", "Another number has come from outside.")
	default:
		t.offer = nil
		t.do(After{ID: TimerID(offerTimer + strconv.FormatUint(id, 10))})
	}
}

// offerOver ends an offer that nobody took; it reports whether the timer was one of an offer.
func (t *turn) offerOver(id TimerID) bool {
	n, ok := strings.CutPrefix(string(id), offerTimer)
	if !ok {
		return false
	}
	if t.offer != nil && strconv.FormatUint(t.offer.ID, 10) == n {
		t.offer = nil
	}
	return true
}
