package transaction

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
)

func TestSecretsAreCoveredAndNothingElse(t *testing.T) {
	const s = "S3cr3tS3cr3t"
	for name, c := range map[string]struct{ in, keeps string }{
		"digest":                       {`Authorization: Digest username="2101", response="` + s + `", nc=00000001`, "nc=00000001"},
		"digest, first":                {`Authorization: Digest response="` + s + `",username="2101"`, `username="2101"`},
		"without quotes":               {`Authorization: Digest username="2101", response=` + s + `, nc=00000001`, "nc=00000001"},
		"with blanks":                  {"Authorization :  Digest username=\"2101\" ,\tresponse  =  \"" + s + "\" , nc=00000001", "nc=00000001"},
		"in any case":                  {`AUTHORIZATION: DIGEST username="2101", RESPONSE="` + s + `", nc=00000001`, "nc=00000001"},
		"folded":                       {"Authorization: Digest username=\"2101\",\r\n response=\r\n\t\"" + s + "\",\r\n nc=00000001", "nc=00000001"},
		"folded by line feeds":         {"Authorization: Digest username=\"2101\",\n response=\"" + s + "\", nc=00000001", "nc=00000001"},
		"a name that misleads":         {`Authorization: Digest username="a, response=\"x", response="` + s + `", nc=00000001`, "nc=00000001"},
		"a name that breaks":           {`Authorization: Digest username="2101, response="` + s + `", nc=00000001`, "Digest"},
		"an end that is missing":       {`Authorization: Digest username="2101", response="` + s, "Digest"},
		"a backslash at the end":       {`Authorization: Digest username="2101", response="` + s + `\`, "Digest"},
		"proxy":                        {`Proxy-Authorization: Digest username="2101", response="` + s + `"`, "2101"},
		"basic":                        {"Authorization: Basic " + s, "Basic"},
		"bearer":                       {"Authorization: Bearer " + s, "Bearer"},
		"a token and no scheme":        {"Authorization: " + s, "Authorization"},
		"digest without response":      {`Authorization: Digest token="` + s + `"`, "Digest"},
		"what the server proves":       {`Authentication-Info: rspauth="` + s + `", nc=00000001`, "nc=00000001"},
		"what the proxy proves":        {`Proxy-Authentication-Info: nextnonce="n", rspauth="` + s + `"`, `nextnonce="n"`},
		"SDES":                         {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + s + "|2^31|1:4", "|2^31|1:4"},
		"SDES, two keys":               {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + s + "|2^31|1:4;inline:" + s + "|2^31|2:4 KDR=1", "KDR=1"},
		"SDES in any case":             {"A=Crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:" + s, "AES_CM_128_HMAC_SHA1_80"},
		"MIKEY":                        {"a=key-mgmt:mikey " + s, "a=key-mgmt:"},
		"an old key":                   {"k=base64:" + s, "k="},
		"ICE":                          {"a=ice-pwd:" + s, "a=ice-pwd:"},
		"password in a URI":            {"From: <sip:2101:" + s + "@example.com:5060>;tag=1", "@example.com:5060>;tag=1"},
		"password in a start line":     {"REGISTER sips:a:" + s + "@h SIP/2.0", "@h SIP/2.0"},
		"a header of the list":         {"X-Customer-PIN: " + s + " and " + s, "X-Customer-PIN:"},
		"a header of the list, folded": {"x-customer-pin:\r\n " + s, "x-customer-pin:"},
		"a header of the list, short":  {"s: " + s, "s:"},
		"in a fragment":                {"Content-Type: message/sipfrag\r\n\r\nINVITE sip:a@b SIP/2.0\r\nAuthorization: Digest username=\"2101\", response=\"" + s + "\"", "2101"},
	} {
		for _, frame := range []string{"", "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n"} {
			in := frame + c.in + "\r\nMax-Forwards: 70\r\n\r\nv=0\r\n"
			data := []byte(in)
			out := string(Redact(data, "X-Customer-PIN", "Subject"))
			if strings.Contains(out, s) || !strings.Contains(out, c.keeps) || len(out) != len(in) || !strings.HasPrefix(out, frame) ||
				!strings.HasSuffix(out, "\r\nMax-Forwards: 70\r\n\r\nv=0\r\n") || string(data) != in {
				t.Errorf("%s: %q", name, out)
			}
		}
	}
	for _, harmless := range []string{
		requestText("INVITE", "plain", fakeRemote, `WWW-Authenticate: Digest realm="r", nonce="n"`, "X-Other: visible", "Contact: <sip:a@[2001:db8::1]:5060;transport=tls>"),
		"SIP/2.0 200 OK\r\nTo: sip:example.com:5060\r\nContact: <sip:h:5060>, <sip:u@h:5060>\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.1\r\na=key:x\r\na=ice-ufrag:abcd\r\n",
		"", "\r\n\r\n", "\r", "k", "a=", ":", "::",
	} {
		if out := string(Redact([]byte(harmless), "X-PIN")); out != harmless {
			t.Errorf("%q became %q", harmless, out)
		}
	}
}

func TestASecretThatComesInPiecesOverAConnectionIsNotTraced(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	msg := strings.Replace(requestText("REGISTER", "pieces", fakeRemote, `Authorization: Digest username="2101", response="`+secret+`"`, "X-PIN: 4711"), "/UDP", "/TCP", 1)
	for _, cut := range []int{1, 7, strings.Index(msg, secret) + 5, len(msg) - 2} {
		synctest.Test(t, func(t *testing.T) {
			var seen []TraceMessage
			cfg := Config{TraceHide: []string{"X-PIN"}, Trace: func(m TraceMessage) {
				if !m.Out {
					seen = append(seen, m)
				}
			}}
			_, f, theirs := pipe(t, cfg, &recorder{request: func(tx *ServerTx, req *Request) {
				if req.Headers.Get("X-PIN") != "4711" || !strings.Contains(req.Headers.Get("Authorization"), secret) {
					t.Error("the message itself was changed")
				}
			}}, false)
			go bytesOf(theirs)
			theirs.Write([]byte("\r\n\r\n"))
			for rest := msg; rest != ""; {
				n := min(cut, len(rest))
				theirs.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			theirs.Write([]byte(strings.Replace(msg, "Max-Forwards: 70", "nonsense", 1)))
			theirs.Write([]byte(msg[:strings.Index(msg, secret)+20])) // and no more
			theirs.Close()
			<-f.Done()
			synctest.Wait()
			var all strings.Builder
			for _, m := range seen {
				all.Write(m.Data)
			}
			s := all.String()
			if len(seen) != 4 || strings.Count(s, "REGISTER sip:") != 3 || strings.Contains(s, secret[:10]) || strings.Contains(s, secret[10:20]) || strings.Contains(s, "4711") {
				t.Errorf("%d traced: %s", len(seen), s)
			}
		})
	}
}

// bytesOf reads and forgets.
func bytesOf(r interface{ Read([]byte) (int, error) }) {
	b := make([]byte, 4096)
	for {
		if _, err := r.Read(b); err != nil {
			return
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte("Authorization: Digest a=\"b\\\", response=\"c\"\r\n d\r\na=crypto:1 x inline:y|z\r\nk=x\r\nFrom: sip:a:b@c"), "b")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		before := bytes.Clone(data)
		out := Redact(data, name)
		if !bytes.Equal(before, data) || len(out) != len(data) || !bytes.Equal(Redact(out, name), out) {
			t.Errorf("%q became %q", data, out)
		}
		for i := range out {
			if out[i] != data[i] && (out[i] != '*' || data[i] <= ' ') {
				t.Errorf("byte %d of %q became %q", i, data, out)
			}
		}
	})
}
