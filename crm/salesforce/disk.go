package salesforce

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// disk keeps what Salesforce said about objects between runs, so that a desk is ready at once and asks only whether it changed.
// It holds names of fields and values of picklists, no customer and no secret; what cannot be read or written is simply asked for.
// The reply is kept as it came: a newer offhook reads more of it.
type disk struct {
	dir  string
	now  func() time.Time
	anew bool // what is kept is not used, only replaced
}

// Bounds of the folder: one file per object, kind, org and user.
const (
	maxDiskFiles = 128
	maxDiskBytes = 4 << 20 // of one reply, unpacked
)

type diskEntry struct {
	Version      string          `json:"api_version"`
	LastModified string          `json:"last_modified"`
	Checked      time.Time       `json:"checked"`
	Read         time.Time       `json:"read"`
	Body         json.RawMessage `json:"body"`
}

// file names an entry. Who cannot be told apart by org and user gets none: what one user may see is not another's business.
func (d disk) file(t Token, object Ident, suffix string) string {
	org, user := t.OrgID(), t.UserID()
	if d.dir == "" || !ValidID(org) || !ValidID(user) || !object.Valid() {
		return ""
	}
	kind := strings.NewReplacer("/", "-", "?", "-").Replace(strings.Trim(suffix, "/"))
	return filepath.Join(d.dir, org[:15]+"-"+user[:15]+"-"+strings.ToLower(string(object))+"-"+kind+".json.gz")
}

func (d disk) load(path string) (diskEntry, bool) {
	var e diskEntry
	if path == "" || d.anew {
		return e, false
	}
	f, err := os.Open(path)
	if err != nil {
		return e, false
	}
	defer f.Close()
	z, err := gzip.NewReader(io.LimitReader(f, maxDiskBytes))
	if err != nil {
		return e, false
	}
	b, err := io.ReadAll(io.LimitReader(z, maxDiskBytes+1))
	if err != nil || len(b) > maxDiskBytes || json.Unmarshal(b, &e) != nil || len(e.Body) == 0 || e.Checked.After(d.now()) {
		return diskEntry{}, false
	}
	return e, true
}

// save replaces an entry atomically, readable by its owner only. A full or foreign disk is no failure.
func (d disk) save(path string, e diskEntry) {
	if path == "" || len(e.Body) > maxDiskBytes-1024 {
		return
	}
	b, err := json.Marshal(e)
	if err != nil || os.MkdirAll(d.dir, 0o700) != nil {
		return
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(b); err != nil || z.Close() != nil {
		return
	}
	f, err := os.CreateTemp(d.dir, ".new-*") // created 0600
	if err != nil {
		return
	}
	defer os.Remove(f.Name()) // nothing is left of it when the rename succeeded
	_, werr := f.Write(packed.Bytes())
	if errors.Join(werr, f.Close()) == nil && os.Rename(f.Name(), path) == nil {
		d.prune()
	}
}

func (d disk) drop(path string) {
	if path != "" {
		_ = os.Remove(path)
	}
}

// prune removes the oldest files beyond the bound.
func (d disk) prune() {
	list, err := os.ReadDir(d.dir)
	if err != nil || len(list) <= maxDiskFiles {
		return
	}
	age := func(e fs.DirEntry) time.Time {
		if st, err := e.Info(); err == nil {
			return st.ModTime()
		}
		return time.Time{}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return age(a).Compare(age(b)) })
	for _, e := range list[:len(list)-maxDiskFiles] {
		_ = os.Remove(filepath.Join(d.dir, e.Name()))
	}
}
