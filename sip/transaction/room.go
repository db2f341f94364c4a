package transaction

import (
	"net/netip"
	"sync"
)

// room counts what strangers hold of something that is not endless: all together, and each source.
type room struct {
	all, each int

	mu sync.Mutex
	n  int
	by map[netip.Prefix]int
}

func newRoom(all, each int) *room { return &room{all: all, each: each, by: map[netip.Prefix]int{}} }

// enter takes a place; false when there is none. Who entered must leave.
func (r *room) enter(a netip.Addr) bool {
	k := sourceOf(a)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n >= r.all || r.by[k] >= r.each {
		return false
	}
	r.n++
	r.by[k]++
	return true
}

func (r *room) leave(a netip.Addr) {
	k := sourceOf(a)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n--
	if r.by[k]--; r.by[k] <= 0 {
		delete(r.by, k)
	}
}

// sourceOf is what counts as one source: an IPv4 address, or the /64 of an IPv6 address, all of which belongs to one host's network.
func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}
