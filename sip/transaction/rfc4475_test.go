package transaction_test

import (
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

var update = flag.Bool("update", false, "write docs/rfc4475.md")

var (
	desk     = netip.MustParseAddrPort("192.0.2.1:5060")
	stranger = netip.MustParseAddrPort("192.0.2.2:5060")
)

// person answers for the telephone: what rings is left ringing.
type person struct{ ua *dialog.UA }

func (p *person) Incoming(s *dialog.Session) { s.Ring() }
func (p *person) Request(tx *transaction.ServerTx, _ *transaction.Request) {
	p.ua.NotAllowed(tx)
}
func (p *person) Event(*dialog.Session, dialog.Event) {}
func (p *person) FlowDown(*transaction.Flow, error)   {}

func telephone() *dialog.UA {
	p := &person{}
	p.ua = dialog.New(dialog.Config{User: "2101", Codecs: []dialog.Codec{{Name: "PCMU", Clock: 8000, PT: 0}}, DTMF: 101}, p)
	return p.ua
}

// answer is what was answered: the status lines, or that there is none.
func answer(stats transaction.Stats, sent []string) string {
	var lines []string
	for _, m := range sent {
		l, _, _ := strings.Cut(m, "\r\n")
		if l = strings.TrimPrefix(l, "SIP/2.0 "); !strings.HasPrefix(l, "100") && !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	slices.Sort(lines) // of two calls either may be first
	line := strings.Join(lines, " and ")
	switch {
	case line != "":
		return line
	case stats.Responses > 0:
		return "understood; no request of ours, dropped"
	}
	return "dropped"
}

// overUDP is what a telephone answers to a datagram.
func overUDP(t *testing.T, msg []byte) (said string) {
	synctest.Test(t, func(t *testing.T) {
		mem := &transaction.Memory{}
		c, err := mem.Listen(desk)
		if err != nil {
			t.Fatal(err)
		}
		ua := telephone()
		if _, err := ua.Layer().ServeUDP(c); err != nil {
			t.Fatal(err)
		}
		peers := map[netip.AddrPort]transaction.PacketConn{}
		got := make(chan string, 100)
		for _, port := range []uint16{5060, 5050, 5070} { // without rport the answer goes where Via says
			at := netip.AddrPortFrom(stranger.Addr(), port)
			p, err := mem.Listen(at)
			if err != nil {
				t.Fatal(err)
			}
			peers[at] = p
			go func() {
				b := make([]byte, 65536)
				for {
					n, _, err := p.ReadFromUDPAddrPort(b)
					if err != nil {
						return
					}
					got <- string(b[:n])
				}
			}()
		}
		peers[stranger].WriteToUDPAddrPort(msg, desk)
		time.Sleep(time.Second)
		synctest.Wait()
		said = answer(ua.Layer().Stats(), drain(got))
		for _, p := range peers {
			p.Close()
		}
		ua.Layer().Close()
		ua.Close(t.Context())
	})
	return said
}

// overTCP is the same over a connection, and whether what comes behind the message is still heard.
func overTCP(t *testing.T, msg []byte) (said string) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		ua := telephone()
		f, err := ua.Layer().ServeTCP(ours, desk, stranger)
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 100)
		go func() {
			b := make([]byte, 65536)
			for {
				n, err := theirs.Read(b)
				if err != nil {
					return
				}
				got <- string(b[:n])
			}
		}()
		go func() {
			theirs.Write(msg)
			theirs.Write([]byte("OPTIONS sip:2101@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.2;branch=z9hG4bKbehind\r\nMax-Forwards: 70\r\n" +
				"From: <sip:a@192.0.2.2>;tag=1\r\nTo: <sip:2101@192.0.2.1>\r\nCall-ID: behind\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		var own []string
		behind := false
		for _, m := range drain(got) {
			if strings.Contains(m, "Call-ID: behind") {
				behind = true
			} else {
				own = append(own, m)
			}
		}
		said = answer(ua.Layer().Stats(), own)
		switch {
		case !f.Alive():
			said += "; closed"
		case !behind:
			said += "; waits for the rest"
		}
		theirs.Close()
		ua.Layer().Close()
		ua.Close(t.Context())
	})
	return said
}

func drain(c chan string) (out []string) {
	for {
		select {
		case m := <-c:
			out = append(out, m)
		default:
			return out
		}
	}
}

// letter is one message: what RFC 4475 has a user agent do, and what we do.
type letter struct {
	name, section, title string
	asks                 string // of the RFC, in short
	udp                  string // our answer to a datagram
	tcp                  string // the same over a connection when it differs; "closed": after the same answer the connection ends
	why                  string
}

var rfc4475 = []letter{
	{"wsinv", "3.1.1.1", "a short tortuous INVITE", "valid", "481 Call/Transaction Does Not Exist", "", "It is understood, folded and compact fields, two lists of Via and all. Its To has a tag, so it belongs to a call, which is not here."},
	{"intmeth", "3.1.1.2", "a wide range of valid characters", "valid", "405 Method Not Allowed", "", "It is understood, with the escaped NUL in the display name. Nobody knows the method; Allow names ours."},
	{"esc01", "3.1.1.3", "valid use of the % escaping mechanism", "valid", "180 Ringing", "", "Escapes are resolved once, after the URI was taken apart."},
	{"escnull", "3.1.1.4", "escaped nulls in URIs", "valid", "405 Method Not Allowed", "", "It is understood, and the NUL stays in its escape. A telephone is no registrar."},
	{"esc02", "3.1.1.5", "% that is no escape", "valid", "405 Method Not Allowed", "", "RE%47IST%45R is not REGISTER: methods are never unescaped."},
	{"lwsdisp", "3.1.1.6", "no white space between display name and <", "valid", "200 OK", "", ""},
	{"longreq", "3.1.1.7", "long values in header fields", "valid", "180 Ringing", "", "Long is no reason to refuse; what is too long for memory is (32 kB of header fields)."},
	{"dblreq", "3.1.1.8", "extra octets behind a message in a datagram", "valid", "405 Method Not Allowed", "400 Contact or From tag missing and 405 Method Not Allowed; closed", "What follows Content-Length in a datagram is ignored. On a connection it is the next message, here an INVITE without a Contact, with more behind it than its Content-Length says: that is no message, so the connection ends."},
	{"semiuri", "3.1.1.9", "parameters separated by ; in the user part", "valid", "200 OK", "", "They belong to the user."},
	{"transports", "3.1.1.10", "varied and unknown transports in Via", "valid", "200 OK", "", "The answer goes back the way the request came, whatever Via calls it."},
	{"mpart01", "3.1.1.11", "a multipart body", "valid", "405 Method Not Allowed", "", "It is understood. What is asked here takes calls alone; the whole telephone takes MESSAGE from who may call: text is shown, this type gets 415."},
	{"unreason", "3.1.1.12", "an unusual reason phrase", "valid", "understood; no request of ours, dropped", "", "The phrase is text of a stranger and shown as such."},
	{"noreason", "3.1.1.13", "an empty reason phrase", "valid", "understood; no request of ours, dropped", "", ""},
	{"badinv01", "3.1.2.1", "extraneous separators in header fields", "400", "400 Bad Request: Via cannot be read", "", ""},
	{"clerr", "3.1.2.2", "Content-Length larger than the message", "400, or on a connection wait", "400 Bad Request: the body is shorter than Content-Length says", "dropped; waits for the rest", "On a connection the rest has 32 s to come; then the connection ends."},
	{"ncl", "3.1.2.3", "negative Content-Length", "400, and close a connection", "400 Bad Request: Content-Length cannot be understood", "closed", "Without a length nobody knows where the next message begins."},
	{"scalar02", "3.1.2.4", "scalars in a request that are too large", "400", "400 Bad Request: Max-Forwards cannot be read", "", "Max-Forwards has 8 bits, CSeq 31: each alone would be enough."},
	{"scalarlg", "3.1.2.5", "scalars in a response that are too large", "drop it", "dropped", "", "Nobody answers a response."},
	{"quotbal", "3.1.2.6", "a quoted string that does not end", "400", "400 Bad Request: To is missing or cannot be read", "", ""},
	{"ltgtruri", "3.1.2.7", "<> around the Request-URI", "400, or take it", "400 Bad Request: Request-URI cannot be read", "", ""},
	{"lwsruri", "3.1.2.8", "white space within the Request-URI", "400", "400 Bad Request: the Request-Line does not end with SIP/2.0", "", ""},
	{"lwsstart", "3.1.2.9", "several spaces in the Request-Line", "400, or take it", "400 Bad Request: the Request-Line does not end with SIP/2.0", "", "Who guesses at a start line can be made to guess otherwise than the proxy before."},
	{"trws", "3.1.2.10", "spaces at the end of the Request-Line", "400, or take it", "400 Bad Request: the Request-Line does not end with SIP/2.0", "", "As before."},
	{"escruri", "3.1.2.11", "header fields within the Request-URI", "400, or ignore them", "180 Ringing", "", "They are ignored: its Route goes nowhere."},
	{"baddate", "3.1.2.12", "a time zone in Date that is none", "400, or take it", "180 Ringing", "", "Nothing depends on Date; for its sake no call is refused."},
	{"regbadct", "3.1.2.13", "a Contact that needs <> and has none", "400", "400 Bad Request: Contact cannot be read", "", "The parameter could be the URI's or the field's."},
	{"badaspec", "3.1.2.14", "spaces within <>", "400, or take it", "200 OK", "", "Around a URI they say nothing, so they are taken off; within it they are refused."},
	{"baddn", "3.1.2.15", "a display name that is no token and has no quotes", "400, or take it", "400 Bad Request: no empty line after the header fields", "400 Bad Request: a header field without a name; waits for the rest", "The comma would begin a second From. As it is kept here the message also has no end; on a connection the next one runs into it."},
	{"badvers", "3.1.2.16", "an unknown version of the protocol", "505", "505 Version Not Supported: SIP version not supported", "", ""},
	{"mismatch01", "3.1.2.17", "another method in CSeq than in the start line", "400", "400 Bad Request: the method of CSeq is not that of the request", "", ""},
	{"mismatch02", "3.1.2.18", "the same with an unknown method", "400 or 501", "400 Bad Request: the method of CSeq is not that of the request", "", ""},
	{"bigcode", "3.1.2.19", "a status code that is too large", "drop it", "dropped", "", ""},
	{"badbranch", "3.2.1", "a branch that is the magic cookie alone", "treat it as RFC 2543 does, or 400", "200 OK", "", "The transaction is found by the fields of RFC 2543 instead, so two of them are not taken for one."},
	{"insuf", "3.3.1", "no From, To, Call-ID or Max-Forwards", "400", "400 Bad Request: From is missing or cannot be read", "", ""},
	{"unkscm", "3.3.2", "an unknown scheme in the Request-URI", "416", "416 Unsupported URI Scheme", "", ""},
	{"novelsc", "3.3.3", "a known scheme that is not for this", "416", "416 Unsupported URI Scheme", "", ""},
	{"unksm2", "3.3.4", "unknown schemes in To, From and Contact", "leave it to who cares", "405 Method Not Allowed", "", "It is understood. A telephone is no registrar, which would refuse it."},
	{"bext01", "3.3.5", "Require and Proxy-Require", "420 with Unsupported", "420 Bad Extension", "", "Unsupported names what Require does; Proxy-Require is for proxies."},
	{"invut", "3.3.6", "a body of an unknown type", "415", "415 Unsupported Media Type", "", ""},
	{"regaut01", "3.3.7", "an unknown authorization scheme", "ignore it", "405 Method Not Allowed", "", "A telephone is no registrar; credentials are not looked at."},
	{"multi01", "3.3.8", "several values where there may be one", "400", "400 Bad Request: more than one CSeq", "", "Call-ID, Max-Forwards, From and To as well."},
	{"mcl01", "3.3.9", "several Content-Length", "400, and close a connection", "400 Bad Request: Content-Length cannot be understood", "closed", "They differ, and nobody knows which is right. Two that agree are taken."},
	{"bcast", "3.3.10", "a 200 with a broadcast address in Via", "drop it", "dropped", "", "It has a second Via, so it is for somebody else (RFC 3261 §8.1.3.3). No Via aims what we send at another address."},
	{"zeromf", "3.3.11", "Max-Forwards of zero", "answer as the end that we are", "200 OK", "", "Only who passes it on refuses it with 483."},
	{"cparam01", "3.3.12", "a REGISTER with an unknown Contact parameter", "ignore it", "405 Method Not Allowed", "", "A telephone is no registrar."},
	{"cparam02", "3.3.13", "a REGISTER with an unknown URI parameter", "take it along", "405 Method Not Allowed", "", "A telephone is no registrar."},
	{"regescrt", "3.3.14", "a REGISTER with a header field in the URI of Contact", "take it along", "405 Method Not Allowed", "", "A telephone is no registrar."},
	{"sdp01", "3.3.15", "an Accept that cannot be met", "406 or 488", "406 Not Acceptable", "", "Accept names no type that a description could come in. Who sends no Accept, or an empty one, takes SDP."},
	{"inv2543", "3.4.1", "an INVITE as of RFC 2543", "take it", "180 Ringing", "400 Bad Request: no usable Content-Length; closed", "Its branch is none of RFC 3261, so a missing tag is a tag, and without a Contact requests of ours go to its From. Both are refused where the branch says that the sender knows better. A connection needs a Content-Length."},
	{"test", "–", "a header field folded and broken in many ways", "", "dropped", "", "Not of the RFC, but kept with its messages: the start line has two parts, so it is no SIP."},
}

func TestEachMessageOfRFC4475GetsTheAnswerOfTheTable(t *testing.T) {
	all := transaction.Torture(t, "*")
	for _, row := range rfc4475 {
		msg, ok := all[row.name]
		if !ok {
			t.Errorf("there is no message %q", row.name)
			continue
		}
		delete(all, row.name)
		if got := overUDP(t, msg); got != row.udp {
			t.Errorf("%s over UDP: %q, the table says %q", row.name, got, row.udp)
		}
		want := row.tcp
		switch want {
		case "":
			want = row.udp
		case "closed":
			want = row.udp + "; closed"
		}
		if got := overTCP(t, msg); got != want {
			t.Errorf("%s over TCP: %q, the table says %q", row.name, got, want)
		}
	}
	for name := range all {
		t.Errorf("the table does not know %q", name)
	}
}

func TestThePageAboutRFC4475IsFresh(t *testing.T) {
	var b strings.Builder
	b.WriteString("# RFC 4475: what we answer to the torture test messages, and why\n\n" +
		"<!-- Generated from sip/transaction/rfc4475_test.go by `go test ./sip/transaction -run RFC4475 -update`. Do not edit. -->\n\n" +
		"Each message is sent to a telephone in memory, once in a datagram and once over a connection, followed there by a good request, which must be answered " +
		"unless the connection ends. The test that does it fails when an answer is not the one below. A telephone with an account is stricter: it takes " +
		"calls from its registrar only. After all of them, twice, a call that was up goes on without a gap (`peers`).\n\n" +
		"| message | RFC 4475 | what it is | the RFC asks for | our answer | over a connection | why |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	cell := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "<", "\\<") }
	for _, r := range rfc4475 {
		tcp := r.tcp
		switch tcp {
		case "":
			tcp = "the same"
		case "closed":
			tcp = "the same, then closed"
		}
		section := r.section
		if section != "–" {
			section = "§" + section
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", r.name, section, cell(r.title), cell(r.asks), cell(r.udp), cell(tcp), cell(r.why))
	}
	const page = "../../docs/rfc4475.md"
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err := os.ReadFile(page); err != nil || string(raw) != b.String() {
		t.Errorf("%s is stale: go test ./sip/transaction -run RFC4475 -update (%v)", page, err)
	}
}
