package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// describing answers describes with one field, and counts what it was asked.
type describing struct {
	*server
	asked, unchanged int
	field            string
	down             bool
}

func newDescribing(t *testing.T) *describing {
	d := &describing{field: "Phone"}
	d.server = newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if d.down {
			fail(w, 503, "")
			return
		}
		d.asked++
		modified := "of " + d.field
		if r.Header.Get("If-Modified-Since") == modified {
			d.unchanged++
			w.WriteHeader(304)
			return
		}
		w.Header().Set("Last-Modified", modified)
		json.NewEncoder(w).Encode(Describe{Name: "Contact", Fields: []Field{{Name: d.field, Type: "phone"}}})
	})
	return d
}

func TestWhatObjectsLookLikeIsKnownAgainAfterARestart(t *testing.T) {
	s, dir, now := newDescribing(t), filepath.Join(t.TempDir(), "salesforce"), time.Unix(1e9, 0)
	open := func(change func(*Options)) *Client {
		return s.client(t, func(o *Options) {
			o.CacheDir, o.App.Now = dir, func() time.Time { return now }
			if change != nil {
				change(o)
			}
		})
	}
	expect := func(what string, c *Client, field string, asked, unchanged int) {
		t.Helper()
		d, err := c.Describe(t.Context(), "Contact")
		if err != nil || !d.Has(field) || s.asked != asked || s.unchanged != unchanged {
			t.Fatalf("%s: %v, %+v, asked %d, unchanged %d", what, err, d, s.asked, s.unchanged)
		}
	}
	expect("the first run", open(nil), "Phone", 1, 0)
	expect("a restart within a quarter of an hour", open(nil), "Phone", 1, 0)
	now = now.Add(time.Hour)
	expect("a later restart asks whether it changed", open(nil), "Phone", 2, 1)
	expect("and the answer is remembered", open(nil), "Phone", 2, 1)
	now, s.down = now.Add(time.Hour), true
	expect("Salesforce is away at the start", open(nil), "Phone", 2, 1)
	s.down, s.field = false, "Mobile"
	expect("it changed", open(nil), "Mobile", 3, 1)
	expect("the change is kept", open(nil), "Mobile", 3, 1)
	s.field = "Fax"
	expect("who has just changed the org sees it", open(func(o *Options) { o.Anew = true }), "Fax", 4, 1)
	expect("and so does the next start", open(nil), "Fax", 4, 1)
	now = now.Add(12 * time.Hour)
	expect("half a day later it is asked whether it changed", open(nil), "Fax", 5, 2)
	now = now.Add(12 * time.Hour)
	expect("after a day it is read whole: permissions may have changed", open(nil), "Fax", 6, 2)
	s.field = "Mobile"
	now = now.Add(time.Hour)
	expect("it changed again", open(nil), "Mobile", 7, 2)
	expect("another API version describes more", open(func(o *Options) { o.Version = "66.0" }), "Mobile", 8, 2)
	expect("another user sees other fields", open(func(o *Options) {
		o.Store = NewMemoryStore(Token{Access: "x", Instance: s.URL, Identity: "https://login.salesforce.com/id/00D000000000001AAA/005000000000007AAA"})
	}), "Mobile", 9, 2)
	c := open(nil)
	c.session.stored(t.Context())
	c.Forget("Contact")
	expect("Salesforce refused what was described", open(nil), "Mobile", 10, 2)

	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		if st, err := os.Stat(f); err != nil || st.Mode().Perm() != 0o600 || strings.Contains(f, "!") {
			t.Errorf("%s %v %v", f, st.Mode(), err)
		}
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	// Whatever stands in the files, the worst is that Salesforce is asked.
	for i, junk := range []string{"", "{}", "\x1f\x8b\x08\x00garbage", strings.Repeat("x", 1<<16)} {
		for _, f := range files {
			os.WriteFile(f, []byte(junk), 0o600)
		}
		if d, err := open(nil).Describe(t.Context(), "Contact"); err != nil || !d.Has("Mobile") {
			t.Errorf("junk %d: %v", i, err)
		}
	}
	os.RemoveAll(dir)
	os.WriteFile(dir, nil, 0o600) // the folder cannot be made
	if d, err := open(nil).Describe(t.Context(), "Contact"); err != nil || !d.Has("Mobile") {
		t.Errorf("no folder: %v", err)
	}
}

func TestTheFolderOfDescriptionsIsBounded(t *testing.T) {
	d := disk{dir: t.TempDir(), now: time.Now}
	for i := range maxDiskFiles + 20 {
		d.save(filepath.Join(d.dir, fmt.Sprintf("%04d", i)), diskEntry{Version: "68.0", Checked: time.Unix(1e9, 0), Body: json.RawMessage(`{}`)})
	}
	d.save(filepath.Join(d.dir, "large"), diskEntry{Body: json.RawMessage(`"` + strings.Repeat("x", maxDiskBytes) + `"`)})
	files, _ := os.ReadDir(d.dir)
	if len(files) > maxDiskFiles {
		t.Errorf("%d files", len(files))
	}
	if _, ok := d.load(filepath.Join(d.dir, "large")); ok {
		t.Error("a file without bounds was kept")
	}
}

func TestDescriptionsAreAskedForLessWhileCallsAreShort(t *testing.T) {
	for usage, want := range map[string]time.Duration{"api-usage=1/100": describeFresh, "api-usage=80/100": describeTight, "api-usage=95/100": describeCritical} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
			w.Header().Set("Sforce-Limit-Info", usage)
			fmt.Fprint(w, `{"name":"Contact","fields":[{"name":"Id"}]}`)
		})
		now := time.Unix(1e9, 0)
		c := s.client(t, func(o *Options) { o.App.Now = func() time.Time { return now } })
		c.Describe(t.Context(), "Contact")
		now = now.Add(want - time.Second)
		c.Describe(t.Context(), "Contact")
		if n := len(s.seen()); n != 1 {
			t.Errorf("%s: %d requests before %s", usage, n, want)
		}
		now = now.Add(2 * time.Second)
		c.Describe(t.Context(), "Contact")
		if n := len(s.seen()); n != 2 {
			t.Errorf("%s: %d requests after %s", usage, n, want)
		}
	}
}
