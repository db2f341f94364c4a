//go:build unix

package peers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/peers/feature"
	"offhook/sip"
	"offhook/sip/offer"
)

// crafted is one request that pjproject's tests send to a telephone, and what they expect.
type crafted struct {
	File, Name, Args, SDP, Headers, Body, Message string
	Code                                          int
	Include, Exclude                              []string
	Error                                         string
}

// readCrafted evaluates the scripts of a checkout.
func readCrafted(t *testing.T, checkout string) (all []crafted) {
	t.Helper()
	driver, err := filepath.Abs(filepath.Join("testdata", "crafted.py"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(peer(t, "python3"), "-W", "ignore", driver, checkout)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
		var c crafted
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no tests/pjsua/scripts-sendto", checkout)
	}
	return all
}

var secureLevel = regexp.MustCompile(`--use-srtp[ =](\d)`)

var bodyLength = regexp.MustCompile(`(?im)^((?:content-length|l)[ \t]*:[ \t]*)\d+`)

// phone opens a phone that answers by itself, set as the arguments of pjsua say.
func (c crafted) phone(t *testing.T) *sip.Phone {
	t.Helper()
	cfg := sip.Config{Account: "sip:pjsua@127.0.0.1", Listen: netip.MustParseAddrPort("127.0.0.1:0"), SessionTimer: -1, Unwatched: true, Accept: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	cfg.Sound.Protect = offer.Plain
	if m := secureLevel.FindStringSubmatch(c.Args); m != nil {
		cfg.Sound = sip.SoundConfig{Protect: map[string]offer.Policy{"0": offer.Plain, "1": offer.Optional, "2": offer.Required}[m[1]], SDES: true, ClearKeys: true}
	}
	if strings.Contains(c.Args, "timer") || strings.Contains(c.Headers, "Session-Expires") {
		cfg.SessionTimer = 30 * time.Minute
	}
	p, err := sip.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for e := range p.Events() {
			if in, ok := e.(sip.IncomingCall); ok {
				p.Answer(in.Leg)
			}
		}
	}()
	return p
}

// send sends the request to a phone and gives the final response, nil when none came.
func (c crafted) send(t *testing.T, to netip.AddrPort) (code int, response string) {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	id := strconv.Itoa(int(at.Port()))
	msg := c.Message
	if msg == "" {
		kind, body := "Content-Type: application/sdp\r\n", c.SDP
		if body == "" {
			kind, body = "", c.Body
		}
		headers := strings.TrimSpace(strings.ReplaceAll(c.Headers, "\n", "\r\n"))
		if headers != "" {
			headers += "\r\n"
		}
		msg = fmt.Sprintf("INVITE $TARGET_URI SIP/2.0\r\nVia: SIP/2.0/UDP $LOCAL_IP:$LOCAL_PORT;rport;branch=z9hG4bK$BRANCH\r\nMax-Forwards: 70\r\n"+
			"From: <sip:caller@example.com>$FROM_TAG\r\nTo: <$TARGET_URI>\r\nContact: <sip:$LOCAL_IP:$LOCAL_PORT;transport=udp>\r\nCall-ID: $CALL_ID\r\n"+
			"CSeq: 1 INVITE\r\nAllow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, REFER\r\nSupported: replaces, 100rel, norefersub\r\n%s%sContent-Length: %d\r\n\r\n%s",
			headers, kind, len(body), body)
	}
	msg = strings.NewReplacer("$TARGET_URI", "sip:"+to.String(), "$LOCAL_IP", at.Addr().String(), "$LOCAL_PORT", id, "tag=$FROM_TAG", "tag=from"+id, "$FROM_TAG", ";tag=from"+id,
		"$TO_TAG", "", "$CALL_ID", "crafted"+id+"@example.com", "$CSEQ", "1", "$BRANCH", "crafted"+id).Replace(msg)
	if c.Message != "" { // written with line feeds alone, which RFC 3261 §7 does not allow
		msg = strings.ReplaceAll(strings.ReplaceAll(msg, "\r\n", "\n"), "\n", "\r\n")
		if _, body, ok := strings.Cut(msg, "\r\n\r\n"); ok {
			msg = bodyLength.ReplaceAllString(msg, "${1}"+strconv.Itoa(len(body)))
		} else { // some forget the empty line
			msg = bodyLength.ReplaceAllString(msg, "${1}0") + "\r\n"
		}
	}
	buf := make([]byte, 65536)
	for range 5 {
		if _, err := conn.WriteToUDPAddrPort([]byte(msg), to); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		for {
			n, err := conn.Read(buf)
			if err != nil {
				break
			}
			first, _, _ := strings.Cut(string(buf[:n]), "\r\n")
			if f := strings.Fields(first); len(f) > 1 && f[0] == "SIP/2.0" {
				if code, _ = strconv.Atoi(f[1]); code >= 200 {
					return code, string(buf[:n])
				}
			}
		}
	}
	return 0, ""
}

// judge says in one line what is not as expected, "" for nothing.
func (c crafted) judge(code int, response string) string {
	if code != c.Code {
		return ""
	}
	var wrong []string
	find := func(p string) bool { return regexp.MustCompile("(?im)" + p).MatchString(response) }
	for _, p := range c.Include {
		if !find(p) {
			wrong = append(wrong, "without "+strconv.Quote(p))
		}
	}
	for _, p := range c.Exclude {
		if find(p) {
			wrong = append(wrong, "with "+strconv.Quote(p))
		}
	}
	return strings.Join(wrong, ", ")
}

func TestCraftedRequestsAreAnsweredAsATelephoneShould(t *testing.T) {
	checkout := os.Getenv("PJPROJECT")
	if checkout == "" {
		t.Skip("PJPROJECT names no checkout of pjproject")
	}
	feature.Proves(t, "pjproject", "crafted requests")
	var rows strings.Builder
	same, apart, other := 0, 0, 0
	for _, c := range readCrafted(t, checkout) {
		t.Run(c.File, func(t *testing.T) {
			if c.Error != "" {
				t.Fatalf("the script cannot be read: %s", c.Error)
			}
			p := c.phone(t)
			code, response := c.send(t, p.LocalAddr())
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // nobody is left to take our BYE
			_ = p.Close(ctx)
			cancel()
			wrong := c.judge(code, response)
			answer := "no answer"
			if code != 0 {
				answer = strconv.Itoa(code)
			}
			if wrong != "" {
				answer += " " + wrong
			}
			right := code == c.Code && wrong == ""
			why, known := craftedApart[c.File]
			switch {
			case right && !known:
				same++
				why.reason = "as expected"
			case right:
				t.Errorf("is answered as expected now; the reason %q is out of date", why.reason)
			case !known:
				t.Errorf("%s: expected %d, got %s\n%s", c.Name, c.Code, answer, response)
				why.reason = "differs"
			case code != why.code:
				t.Errorf("%s: %s; got %s, and %d is what was meant\n%s", c.Name, why.reason, answer, why.code, response)
			case why.foreign:
				other++
			default:
				apart++
			}
			fmt.Fprintf(&rows, "| %s | %d | %s | %s |\n", c.File, c.Code, strings.ReplaceAll(answer, "|", `\|`), why.reason)
		})
	}
	page := fmt.Sprintf("# Crafted requests\n\nThe requests that pjproject's own tests send to a telephone (tests/pjsua/scripts-sendto), sent to ours by `PJPROJECT=… make interop`: "+
		"%d of %d are answered as those tests expect, %d ask for something that is not offered here, %d are answered otherwise on purpose. Nothing of pjproject is kept here.\n\n"+
		"| request | expected | answered | |\n| --- | :-: | --- | --- |\n%s", same, same+apart+other, other, apart, rows.String())
	if !t.Failed() && os.Getenv("OFFHOOK_INTEROP_LOG") != "" {
		if err := os.WriteFile("../docs/crafted-requests.md", []byte(page), 0o644); err != nil {
			t.Error(err)
		}
	}
}
