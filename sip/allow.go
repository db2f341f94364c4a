package sip

import (
	"errors"
	"strings"
	"time"

	"offhook/sip/toll"
	"offhook/sip/transaction"
)

// errPolicy is the refusal of what nobody has allowed.
var errPolicy = errors.New("the policy of this account does not allow that call")

// shortNumber is the most digits that a number inside the exchange has when no policy says more.
const shortNumber = 5

// allowed asks the policy whether a call may be placed, and counts it. Where it says nothing, an agent may dial anything, and far ends may send
// this phone to names and short numbers of its own exchange: what a far end makes a phone dial is how toll fraud works.
func (p *Phone) allowed(kind toll.Kind, uri transaction.URI) error {
	if p.toll != nil && p.toll.Decides(kind) {
		return p.toll.Check(time.Now(), kind, uri)
	}
	if kind == toll.Dialled {
		return nil
	}
	home := p.home()
	if !strings.EqualFold(uri.Host, home.Host) || len(toll.Number(uri)) > shortNumber {
		return errPolicy
	}
	return nil
}
