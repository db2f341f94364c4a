package sip

// used remembers which ids calls were started with, so that a command that comes twice does not call twice. It knows the last ones
// only: a phone that runs for weeks must not grow with every call. The zero value is empty.
type used struct {
	known map[LegID]bool
	order []LegID // a ring
	next  int
}

// remembered is for how many calls: a day of a diligent dialler.
const remembered = 2048

func (u *used) has(id LegID) bool { return u.known[id] }

func (u *used) add(id LegID) {
	if u.known == nil {
		u.known = map[LegID]bool{}
	}
	if len(u.order) < remembered {
		u.order = append(u.order, id)
	} else {
		delete(u.known, u.order[u.next])
		u.order[u.next] = id
		u.next = (u.next + 1) % remembered
	}
	u.known[id] = true
}
