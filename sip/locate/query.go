package locate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// question is what the cache is about.
type question struct {
	name string // lower case, without the last dot
	kind uint16
}

// answer is what came of it: records, none, or a failure, until a moment.
type answer struct {
	records []dns.RR
	err     error
	until   time.Time
}

// How long answers are kept: as the records say, within bounds; that there is none as the SOA says (RFC 2308 §5), and a name
// service that does not work for some seconds only.
const (
	minLife      = time.Second
	maxLife      = 24 * time.Hour
	negativeLife = 30 * time.Second
	maxNegative  = 5 * time.Minute
	failureLife  = 5 * time.Second
	maxCache     = 512
	maxAliases   = 8
)

// errNoServers: the system does not say who its name servers are.
var errNoServers = errors.New("no name server is known")

// errUnknown is a name that does not exist.
var errUnknown = errors.New("no such name")

// ask returns the records of a name and type, through aliases: none without an error where the name has none. What several
// ask at once is asked once.
func (r *Resolver) ask(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	q := question{strings.ToLower(strings.TrimSuffix(name, ".")), kind}
	for {
		r.mu.Lock()
		if a, ok := r.cache[q]; ok && time.Now().Before(a.until) {
			r.mu.Unlock()
			return a.records, a.err
		}
		other, busy := r.flights[q]
		if !busy {
			done := make(chan struct{})
			r.flights[q] = done
			r.mu.Unlock()
			a := r.fetch(ctx, q)
			r.mu.Lock()
			delete(r.flights, q)
			if ctx.Err() == nil { // that the asker gave up says nothing
				r.store(q, a)
			}
			r.mu.Unlock()
			close(done)
			return a.records, a.err
		}
		r.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// store keeps an answer; r.mu is held.
func (r *Resolver) store(q question, a answer) {
	if _, known := r.cache[q]; !known && len(r.cache) >= maxCache {
		now, victim, when := time.Now(), question{}, time.Time{}
		for k, v := range r.cache {
			if !now.Before(v.until) {
				delete(r.cache, k)
			} else if when.IsZero() || v.until.Before(when) {
				victim, when = k, v.until
			}
		}
		if len(r.cache) >= maxCache {
			delete(r.cache, victim)
		}
	}
	r.cache[q] = a
}

// fetch asks the name servers and follows aliases that lead out of an answer.
func (r *Resolver) fetch(ctx context.Context, q question) answer {
	name, life := q.name, maxLife
	for range maxAliases {
		msg, err := r.exchange(ctx, name, q.kind)
		if err != nil {
			return answer{err: err, until: time.Now().Add(failureLife)}
		}
		found := read(msg, name, q.kind)
		life = min(life, found.life)
		switch {
		case len(found.records) > 0:
			return answer{records: found.records, until: time.Now().Add(max(minLife, life))}
		case found.alias != "":
			name = found.alias
		default:
			a := answer{until: time.Now().Add(min(life, negative(msg)))}
			if msg.Rcode == dns.RcodeNameError {
				a.err = errUnknown
			}
			return a
		}
	}
	return answer{err: fmt.Errorf("its aliases lead nowhere"), until: time.Now().Add(negativeLife)}
}

// found is what one message says about one name.
type found struct {
	records []dns.RR
	alias   string // where to ask on
	life    time.Duration
}

// read takes from a message the records that were asked for and nothing else. Aliases within it are followed as far as they
// go, and never in a circle.
func read(msg *dns.Msg, name string, kind uint16) found {
	out := found{life: maxLife}
	owner := dns.CanonicalName(name)
	for range maxAliases {
		next := ""
		for _, rr := range msg.Answer {
			if rr == nil {
				continue
			}
			h := rr.Header()
			if h.Class != dns.ClassINET || dns.CanonicalName(h.Name) != owner {
				continue
			}
			life := time.Duration(h.Ttl) * time.Second
			if h.Ttl > 1<<31-1 { // RFC 2181 §8
				life = 0
			}
			if c, ok := rr.(*dns.CNAME); ok && kind != dns.TypeCNAME {
				if next == "" {
					next = dns.CanonicalName(c.Target)
					out.life = min(out.life, life)
				}
			} else if h.Rrtype == kind && len(out.records) < maxRecords {
				out.records = append(out.records, rr)
				out.life = min(out.life, life)
			}
		}
		if len(out.records) > 0 || next == "" {
			break
		}
		owner = next
	}
	if len(out.records) == 0 && owner != dns.CanonicalName(name) {
		if alias := strings.TrimSuffix(owner, "."); isHost(alias) && msg.Rcode == dns.RcodeSuccess {
			out.alias = alias
		}
	}
	return out
}

// negative is how long that there is nothing holds.
func negative(msg *dns.Msg) time.Duration {
	for _, rr := range msg.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return max(minLife, min(maxNegative, time.Duration(min(soa.Hdr.Ttl, soa.Minttl))*time.Second))
		}
	}
	return negativeLife
}

// exchange asks one server after the other, in rounds, until one has an answer.
func (r *Resolver) exchange(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	servers := r.servers()
	if len(servers) == 0 {
		return nil, errNoServers
	}
	var last error
	mute := make([]bool, len(servers)) // answered, but not what was asked
	tries := r.cfg.Tries
	if kind == dns.TypeNAPTR { // where one is silent about it, all mostly are
		tries = 1
	}
	for range tries {
		for i, s := range servers {
			if mute[i] {
				continue
			}
			msg, err := r.talk(ctx, s, name, kind)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err == nil && (msg.Rcode == dns.RcodeSuccess || msg.Rcode == dns.RcodeNameError) {
				return msg, nil
			}
			if mute[i] = err == nil; mute[i] {
				err = fmt.Errorf("the name server %v answered %s", s.Addr(), rcode(msg.Rcode))
			}
			last = err
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrNameService, last)
}

func rcode(n int) string {
	if s, ok := dns.RcodeToString[n]; ok {
		return s
	}
	return fmt.Sprint(n)
}

// talk asks one server: over UDP with room for a large answer, without that room where the server does not understand it
// (RFC 6891 §7), and over TCP where the answer is cut off.
func (r *Resolver) talk(ctx context.Context, server netip.AddrPort, name string, kind uint16) (*dns.Msg, error) {
	const room = 1232 // what passes everywhere in one piece
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), kind)
	q.SetEdns0(room, false)
	msg, err := r.once(ctx, q, server, false)
	if err == nil && (msg.Rcode == dns.RcodeFormatError || msg.Rcode == dns.RcodeNotImplemented) {
		q.Extra = nil
		msg, err = r.once(ctx, q, server, false)
	}
	if err == nil && msg.Truncated {
		whole, tcpErr := r.once(ctx, q, server, true)
		if tcpErr == nil {
			return whole, nil
		}
		if len(msg.Answer) == 0 {
			return nil, tcpErr
		}
	}
	return msg, err
}

func (r *Resolver) once(ctx context.Context, q *dns.Msg, server netip.AddrPort, tcp bool) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	msg, err := r.cfg.Exchange(ctx, q, server, tcp)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the name server %v does not answer", server.Addr())
	case msg == nil, !msg.Response, msg.Id != q.Id, len(msg.Question) != 1,
		msg.Question[0].Qtype != q.Question[0].Qtype, !strings.EqualFold(msg.Question[0].Name, q.Question[0].Name):
		return nil, fmt.Errorf("the name server %v answers another question", server.Addr())
	}
	return msg, nil
}

// overNetwork is Exchange over real sockets.
func overNetwork(ctx context.Context, q *dns.Msg, server netip.AddrPort, tcp bool) (*dns.Msg, error) {
	c := dns.Client{Net: "udp"}
	if tcp {
		c.Net = "tcp"
	}
	if d, ok := ctx.Deadline(); ok {
		c.Timeout = time.Until(d)
	}
	msg, _, err := c.ExchangeContext(ctx, q, server.String())
	return msg, err
}
