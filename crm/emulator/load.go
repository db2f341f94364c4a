package emulator

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Load reads records from a file into the org, all or none: after an error the org is as it was. The name decides the
// form: Contact.csv holds Contacts, with a header of field names; everything else is JSON as LoadData reads it. Records
// are read one by one, so the size of the file does not matter; progress, which may be nil, is told the count now and
// then. Load returns the number of records. Nothing else is served while it works.
func (s *Server) Load(ctx context.Context, name string, r io.Reader, progress func(int)) (int, error) {
	next, err := seedReader(name, r)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, errors.New("the practice Salesforce is closed")
	}
	s.store.bulk(true)
	refs := make(map[string]string)
	w := &writer{seed: true}
	n := 0
	for {
		seed, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = s.loadOne(seed, refs, w)
		}
		if err != nil {
			s.store.forget()
			return 0, fmt.Errorf("record %d of %s: %w; nothing was loaded", n+1, filepath.Base(name), err)
		}
		if n++; n%1000 == 0 {
			s.store.settle()
			if progress != nil {
				progress(n)
			}
		}
	}
	if n == 0 {
		s.store.forget()
		return 0, fmt.Errorf("%s holds no records", filepath.Base(name))
	}
	s.store.bulk(false)
	if _, err := s.store.commit(); err != nil {
		return 0, err
	}
	return n, nil
}

// settle gives up the way back of every single write: a load is taken back as a whole.
func (st *store) settle() {
	if st.canAbandon() {
		st.undo, st.changes = nil, nil
	}
}

// forget takes back everything since the last commit.
func (st *store) forget() {
	st.rollback(0, 0)
	st.abandon()
	st.undo, st.changes = nil, nil
}

func seedReader(name string, r io.Reader) (func() (Seed, error), error) {
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		object := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
		return csvSeeds(object, r)
	}
	return jsonSeeds(r), nil
}

const maxSeed = 8 << 20 // one JSON value of a seed file; a tree of sf has 2,000 records at most

// jsonSeeds reads {"records": […]}, an array, or one record after the other. A file that begins with an array is read
// element by element.
func jsonSeeds(r io.Reader) func() (Seed, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	lim := &boundedReader{r: in, left: maxSeed}
	dec := json.NewDecoder(lim)
	dec.UseNumber()
	var waiting []Seed
	begun, array := false, false
	return func() (Seed, error) {
		for len(waiting) == 0 {
			lim.left = maxSeed
			if !begun {
				begun, array = true, firstByte(in) == '['
				if array {
					if _, err := dec.Token(); err != nil {
						return Seed{}, notJSON(dec, err)
					}
				}
			}
			if array && !dec.More() {
				if _, err := dec.Token(); err != nil {
					return Seed{}, notJSON(dec, err)
				}
				array = false
				continue
			}
			var v any
			if err := dec.Decode(&v); errors.Is(err, io.EOF) && !array {
				return Seed{}, io.EOF
			} else if err != nil {
				return Seed{}, notJSON(dec, err)
			}
			var d Data
			if err := d.take(v); err != nil {
				return Seed{}, err
			}
			waiting = d.Records
		}
		seed := waiting[0]
		waiting = waiting[1:]
		return seed, nil
	}
}

// firstByte skips blanks and a byte order mark, and looks at what comes then.
func firstByte(in *bufio.Reader) byte {
	if head, _ := in.Peek(3); bytes.Equal(head, []byte("\ufeff")) {
		_, _ = in.Discard(3)
	}
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0
		}
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' {
			_ = in.UnreadByte() // it was just read
			return b
		}
	}
}

func notJSON(dec *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) { // which would pass for the end of the records
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("it is not JSON at offset %d: %w", dec.InputOffset(), err)
}

// boundedReader stops a value that never ends.
type boundedReader struct {
	r    io.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a record is longer than %d MiB", maxSeed>>20)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// csvSeeds reads a table whose header names the object's fields. An empty cell is no value.
func csvSeeds(object string, r io.Reader) (func() (Seed, error), error) {
	in := csv.NewReader(bufio.NewReaderSize(r, 1<<16))
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("%s.csv has no header: %w", object, err)
	}
	names := make([]string, len(head))
	for i, h := range head {
		names[i] = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
		if names[i] == "" || strings.Contains(names[i], ".") {
			return nil, fmt.Errorf("column %d of %s.csv is called %q: a column is a field of the object", i+1, object, names[i])
		}
	}
	return func() (Seed, error) {
		cells, err := in.Read()
		if err != nil {
			return Seed{}, err
		}
		fields := make(map[string]any, len(cells))
		for i, cell := range cells {
			if !utf8.ValidString(cell) {
				return Seed{}, fmt.Errorf("%s is not UTF-8", names[i])
			}
			if cell != "" {
				fields[names[i]] = strings.Clone(cell)
			}
		}
		return Seed{Type: object, Fields: fields}, nil
	}, nil
}
