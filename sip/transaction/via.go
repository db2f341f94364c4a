package transaction

import (
	"net/netip"
	"strconv"
	"strings"
)

// magicCookie begins every branch made by RFC 3261 rules (§8.1.1.7).
const magicCookie = "z9hG4bK"

// via is one Via value: "SIP/2.0/UDP host:port;branch=…". White space may stand around "/" and ":".
type via struct {
	raw       string
	transport string // upper case
	host      string // without brackets
	port      int    // 0 when absent
	params    Params
}

func parseVia(raw string) (via, error) {
	v := via{raw: raw}
	bad := func(why string) (via, error) { return v, &FieldError{"Via", why} }
	head, tail, _ := strings.Cut(raw, ";")
	parts := strings.SplitN(head, "/", 3)
	if len(parts) != 3 || !strings.EqualFold(strings.Trim(parts[0], lws), "SIP") || !isToken(strings.Trim(parts[1], lws)) {
		return bad("not SIP") // the version is not looked at: a 505 must find its way too
	}
	transport, sentBy, ok := strings.Cut(strings.Trim(parts[2], lws), " ")
	if !ok {
		transport, sentBy, ok = strings.Cut(strings.Trim(parts[2], lws), "\t")
	}
	if !ok || !isToken(strings.Trim(transport, lws)) {
		return bad("no transport")
	}
	v.transport = strings.ToUpper(strings.Trim(transport, lws))
	sentBy = strings.Trim(sentBy, lws)
	port := ""
	if strings.HasPrefix(sentBy, "[") {
		end := strings.IndexByte(sentBy, ']')
		if end < 0 {
			return bad("an IPv6 address without its bracket")
		}
		v.host, port = sentBy[1:end], strings.Trim(sentBy[end+1:], lws)
	} else if h, p, ok := strings.Cut(sentBy, ":"); ok {
		v.host, port = strings.Trim(h, lws), ":"+p
	} else {
		v.host = sentBy
	}
	if strings.HasPrefix(sentBy, "[") {
		if a, err := netip.ParseAddr(v.host); err != nil || !a.Is6() {
			return bad("not an IPv6 address")
		}
	} else if !isHost(v.host) {
		return bad("not a host")
	}
	if port != "" {
		n, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(port, ":"), lws), 10, 16)
		if err != nil || port[0] != ':' {
			return bad("not a port")
		}
		v.port = int(n)
	}
	var err error
	v.params, err = ParseParams(tail)
	return v, err
}

func (v via) branch() string {
	b, _ := v.params.Get("branch")
	return b
}

// rfc3261 reports whether the branch identifies the transaction by itself.
func (v via) rfc3261() bool {
	b := v.branch()
	return len(b) > len(magicCookie) && strings.EqualFold(b[:len(magicCookie)], magicCookie)
}

// sentBy is host:port for keys (RFC 3261 §17.2.3). An IPv6 address has many ways to be written and one here.
func (v via) sentBy() string {
	host := strings.ToLower(v.host)
	if strings.Contains(host, ":") {
		if a, err := netip.ParseAddr(host); err == nil {
			host = a.String()
		}
	}
	return host + ":" + strconv.Itoa(v.portOr(5060))
}

func (v via) portOr(def int) int {
	if v.port == 0 {
		return def
	}
	return v.port
}

// replyTo is where the response to a datagram goes (RFC 3261 §18.2.2, RFC 3581 §4). The IP is always the real source: a Via cannot
// aim our responses at somebody else, and maddr is not followed.
func (v via) replyTo(source netip.AddrPort) netip.AddrPort {
	if v.params.Has("rport") {
		return source
	}
	return netip.AddrPortFrom(source.Addr(), uint16(v.portOr(5060)))
}

// stamped is the Via as the response carries it: with received when sent-by is not the source address (RFC 3261 §18.2.1), and with rport filled
// in when it was asked for (RFC 3581 §4). Everything else stays as it came.
func (v via) stamped(source netip.AddrPort) string {
	rport := v.params.Has("rport")
	if a, err := netip.ParseAddr(v.host); err == nil && a.Unmap().WithZone("") == source.Addr().WithZone("") && !rport {
		return v.raw
	}
	var b strings.Builder
	first := true
	for part := range splitOutside(v.raw, ';') {
		name, _, _ := strings.Cut(part, "=")
		name = strings.Trim(name, lws)
		if !first && (strings.EqualFold(name, "received") || strings.EqualFold(name, "rport")) {
			continue
		}
		if !first {
			b.WriteByte(';')
		}
		b.WriteString(part)
		first = false
	}
	b.WriteString(";received=")
	b.WriteString(source.Addr().WithZone("").String())
	if rport {
		b.WriteString(";rport=")
		b.WriteString(strconv.Itoa(int(source.Port())))
	}
	return b.String()
}

// seen is our address as the far end told it in the Via of a response.
func (v via) seen() netip.AddrPort {
	received, _ := v.params.Get("received")
	a, err := netip.ParseAddr(strings.Trim(received, "[]"))
	if err != nil {
		return netip.AddrPort{}
	}
	port := v.port
	if r, _ := v.params.Get("rport"); r != "" {
		if n, err := strconv.ParseUint(r, 10, 16); err == nil {
			port = int(n)
		}
	}
	return netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(port))
}
