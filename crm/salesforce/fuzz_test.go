package salesforce

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whatever an address looks like: when it is taken, net/http would go to Salesforce with it, and nowhere else.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"https://login.salesforce.com", "https://acme.my.salesforce.com:443/", "https://x@login.salesforce.com", "https://evil.example\\.salesforce.com",
		"https://evil。salesforce.com", "https://login.salesforce.com.", "https://[::1].salesforce.com", "http://localhost:1717", "https://a%2eb.salesforce.com", "https://login.salesforce.com%00.evil.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := checkHost(raw, false)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("%q", err.Error())
			}
			return
		}
		req, err := http.NewRequest(http.MethodGet, u.String()+"/services/data", nil)
		if err != nil {
			t.Fatalf("%q is taken, but nothing can be sent there: %v", raw, err)
		}
		host := strings.ToLower(req.URL.Hostname())
		if req.URL.Scheme != "https" || req.URL.User != nil || req.URL.Path != "/services/data" || !strings.HasSuffix(host, ".salesforce.com") && !strings.HasSuffix(host, ".force.com") ||
			req.URL.Port() != "" && req.URL.Port() != "443" || strings.ToLower(req.Host) != strings.ToLower(u.Host) {
			t.Fatalf("%q leads to %s", raw, req.URL)
		}
	})
}

// Whatever is pasted: an address counts only with this sign-in's state.
func FuzzPaste(f *testing.F) {
	for _, s := range []string{"aPrx==", "http://localhost:1717/OauthRedirect?code=aPrx&state=S", "code=x", "error=access_denied", "http://localhost:1717/OauthRedirect?code=a&state=T", "%zz", "<aPrx%3D%3D>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l := &Login{state: "S", result: make(chan codeResult, 1)}
		err := l.Paste(s)
		select {
		case r := <-l.result:
			if err != nil || r.code == "" && r.err == nil {
				t.Fatalf("%q: %+v %v", s, r, err)
			}
			if r.code != "" && strings.Contains(s, "://") && !strings.Contains(s, "state=S") && !strings.Contains(s, "state=%53") && !strings.Contains(s, "%") {
				t.Fatalf("%q of another sign-in was taken", s)
			}
			if r.err != nil && strings.ContainsAny(SignInLine(r.err), "\n\r\x1b") {
				t.Fatalf("%q", SignInLine(r.err))
			}
		default:
			if err == nil {
				t.Fatalf("%q is neither taken nor refused", s)
			}
		}
	})
}

// Whatever stands in a file of descriptions, it is bounded and breaks nothing.
func FuzzDescriptionFile(f *testing.F) {
	f.Add([]byte(`{"api_version":"68.0","checked":"2026-01-01T00:00:00Z","body":{"name":"Contact","fields":[{"name":"Phone"}]}}`))
	f.Add([]byte(`{"body":[]}`))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, plain []byte) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write(plain)
		z.Close()
		d := disk{dir: t.TempDir(), now: time.Now}
		path := filepath.Join(d.dir, "x.json.gz")
		for _, b := range [][]byte{packed.Bytes(), plain} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if e, ok := d.load(path); ok && (len(e.Body) == 0 || len(e.Body) > maxDiskBytes || e.Checked.After(time.Now())) {
				t.Fatalf("%+v", e)
			}
		}
	})
}
