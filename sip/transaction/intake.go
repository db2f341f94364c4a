package transaction

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// parserFields are the only header fields that the parser interprets: it needs the body's length. Every other field
// reaches us as it stands, so that one that is malformed costs one answer 400 and never the connection.
func parserFields() map[string]sip.HeaderParser {
	all := sip.DefaultHeadersParser() // process-wide: never change it
	return map[string]sip.HeaderParser{"content-length": all["content-length"], "l": all["l"]}
}

// fieldsOf gives the raw fields of a parsed message under their long names.
func fieldsOf(msg sip.Message) []Header {
	var list []sip.Header
	switch m := msg.(type) {
	case *sip.Request:
		list = m.Headers()
	case *sip.Response:
		list = m.Headers()
	}
	out := make([]Header, len(list))
	for i, h := range list {
		out[i] = Header{longName(h.Name()), h.Value()}
	}
	return out
}

// common is what requests and responses share.
type common struct {
	raw                rawFields
	top                via
	from, to           Address
	contact            []Address
	recordRoute, route []Address
	callID, method     string
	cseq               uint32
	maxForwards        int
	contentType        string
	other              Headers
}

// validate reads the fields that every message must have, exactly once each, and those with a place of their own. It
// goes through all of them even after the first problem, so that raw is complete for the refusal.
func validate(fields []Header, request bool) (c common, problem *refusal) {
	fail := func(r *refusal) {
		if problem == nil {
			problem = r
		}
	}
	once := func(dst *string, f Header) {
		if *dst != "" {
			fail(refused(400, "more than one %s", f.Name))
			return
		}
		*dst = f.Value
	}
	c.maxForwards = -1
	badContact := false
	for _, f := range fields {
		switch f.Name {
		case "Via":
			c.raw.via = append(c.raw.via, SplitList(f.Value)...)
		case "From":
			once(&c.raw.from, f)
		case "To":
			once(&c.raw.to, f)
		case "Call-ID":
			once(&c.raw.callID, f)
		case "CSeq":
			once(&c.raw.cseq, f)
		case "Contact":
			for _, v := range SplitList(f.Value) { // one value that cannot be read does not spoil another that can be called
				if a, err := ParseAddress(v); err == nil {
					c.contact = append(c.contact, a)
				} else {
					badContact = true
				}
			}
		case "Record-Route":
			list, err := ParseAddresses(f.Value)
			if err != nil && request {
				fail(refused(400, "Record-Route cannot be read"))
			}
			c.recordRoute = append(c.recordRoute, list...)
			c.raw.recordRoute = append(c.raw.recordRoute, f.Value)
		case "Route":
			list, err := ParseAddresses(f.Value)
			if err != nil && request {
				fail(refused(400, "Route cannot be read"))
			}
			c.route = append(c.route, list...)
		case "Max-Forwards":
			n, err := strconv.ParseUint(f.Value, 10, 8)
			if err != nil && request {
				fail(refused(400, "Max-Forwards cannot be read"))
			}
			c.maxForwards = int(n)
		case "Content-Type":
			c.contentType = f.Value
		case "Content-Length":
		default:
			if strings.EqualFold(f.Name, "Timestamp") {
				c.raw.timestamps = append(c.raw.timestamps, f.Value)
			}
			c.other = append(c.other, f)
		}
	}
	if badContact && request && !slices.ContainsFunc(c.contact, func(a Address) bool { return a.URI.Host != "" }) {
		fail(refused(400, "Contact cannot be read"))
	}
	if len(c.raw.via) == 0 {
		fail(refused(400, "no Via"))
		return c, problem
	}
	var err error
	if c.top, err = parseVia(c.raw.via[0]); err != nil {
		fail(refused(400, "Via cannot be read"))
	}
	c.raw.old = err == nil && !c.top.rfc3261()
	for _, v := range c.raw.via[1:] {
		if _, err := parseVia(v); err != nil {
			fail(refused(400, "Via cannot be read"))
		}
	}
	if c.from, err = ParseAddress(c.raw.from); err != nil {
		fail(refused(400, "From is missing or cannot be read"))
	}
	if c.to, err = ParseAddress(c.raw.to); err != nil {
		fail(refused(400, "To is missing or cannot be read"))
	}
	if c.callID = c.raw.callID; c.callID == "" {
		fail(refused(400, "no Call-ID"))
	} else if len(c.callID) > maxCallID {
		fail(refused(400, "the Call-ID is too long")) // it becomes a key in many places
	}
	number, method, _ := strings.Cut(strings.ReplaceAll(c.raw.cseq, "\t", " "), " ")
	n, err := strconv.ParseUint(number, 10, 31)
	if c.method = strings.Trim(method, lws); err != nil || !isToken(c.method) {
		fail(refused(400, "CSeq is missing or cannot be read"))
	}
	c.cseq = uint32(n)
	return c, problem
}

// receive takes a message off the parser, on the reader of its flow.
func (l *Layer) receive(f *Flow, start startLine, source netip.AddrPort, msg sip.Message) {
	fields := fieldsOf(msg)
	c, problem := validate(fields, start.method != "")
	if start.method == "" {
		if problem == nil && len(c.raw.via) > 1 {
			problem = refused(400, "a response for somebody else") // RFC 3261 §8.1.3.3
		}
		if problem != nil {
			l.count.malformed.Add(1)
			l.log.Debug("response dropped", "why", problem.why, "from", source)
			return
		}
		l.count.responses.Add(1)
		l.takeResponse(&Response{
			Status: start.status, Reason: start.reason, RecordRoute: c.recordRoute, From: c.from, To: c.to, Contact: c.contact,
			CallID: c.callID, CSeq: c.cseq, Method: c.method, Headers: c.other, ContentType: c.contentType, Body: msg.Body(),
			Flow: f, Source: source, Seen: c.top.seen(), Received: time.Now(), raw: &c.raw,
		}, c.top)
		return
	}
	if problem == nil && c.method != start.method {
		problem = refused(400, "the method of CSeq is not that of the request")
	}
	if problem != nil {
		l.reject(f, source, start.method, c, problem)
		return
	}
	if c.maxForwards < 0 {
		c.maxForwards = 70
	}
	req := &Request{
		Method: start.method, URI: start.uri, Route: c.route, RecordRoute: c.recordRoute, From: c.from, To: c.to, Contact: c.contact,
		CallID: c.callID, CSeq: c.cseq, MaxForwards: c.maxForwards, Headers: c.other, ContentType: c.contentType, Body: msg.Body(),
		Flow: f, Source: source, Received: time.Now(), raw: &c.raw,
	}
	inside := req.ToTag() != ""
	free := l.limit != nil && l.server(serverKey(req, c.top, req.Method)) != nil
	switch admission, why := l.admit(f, source, req.Method, inside, inside, free); {
	case why != nil && why.status == 503:
		l.reply(f, source, c.top, req.Method, &c.raw, 503, ReasonPhrase(503), "", "Retry-After: 5")
	case why != nil:
		l.refuse(f, source, req.Method, &c.raw, why)
	case admission == Drop && l.cfg.Dropped != nil:
		l.cfg.Dropped(source, req.Method, req.CallID, req.CSeq)
	case admission == Admit:
		l.count.requests.Add(1)
		l.takeRequest(req, c.top)
	}
}

// reject counts a request that cannot be understood, and answers it if its sender may have answers.
func (l *Layer) reject(f *Flow, source netip.AddrPort, method string, c common, problem *refusal) {
	l.count.malformed.Add(1)
	admission, why := l.admit(f, source, method, c.to.Tag() != "", false, false)
	if why != nil {
		problem = why
	}
	if admission != Drop {
		l.refuse(f, source, method, &c.raw, problem)
	} else if l.cfg.Dropped != nil {
		l.cfg.Dropped(source, method, c.callID, c.cseq)
	}
}

// malformed answers a message that was not given to the parser, as far as it can be answered.
func (l *Layer) malformed(f *Flow, source netip.AddrPort, c checked) {
	if c.start.method == "" {
		l.count.malformed.Add(1)
		l.log.Debug("message dropped", "why", c.problem.why, "from", source)
		return
	}
	got, _ := validate(splitFields(c.fields), true)
	l.reject(f, source, c.start.method, got, c.problem)
}
