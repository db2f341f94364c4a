package sip

import (
	"errors"
	"strings"

	"offhook/sip/transaction"
)

// Purpose says who wants a call placed.
type Purpose string

// Purposes. What the agent dials is one thing; what a far end makes this phone dial is another, and how toll fraud works.
const (
	ForDial     Purpose = "dial"
	ForRefer    Purpose = "refer"    // the far end transfers us
	ForRedirect Purpose = "redirect" // a 3xx sends our call on
)

// errPolicy is the refusal of what nobody has allowed.
var errPolicy = errors.New("the policy of this account does not allow that call")

// shortNumber is the most digits that a number inside the exchange has when no policy says more.
const shortNumber = 5

// allowed asks the policy whether a call may be placed. Without one, an agent may dial anything, and far ends may send this phone to
// names and short numbers of its own exchange.
func (p *Phone) allowed(why Purpose, uri transaction.URI) error {
	if p.acc.Allow != nil {
		return p.acc.Allow(why, userOf(uri), uri.Host)
	}
	if why == ForDial {
		return nil
	}
	home := p.home()
	user := strings.Map(unseparated, uri.User)
	if !strings.EqualFold(uri.Host, home.Host) || digits(user) && len(user) > shortNumber {
		return errPolicy
	}
	return nil
}
