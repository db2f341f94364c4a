package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// Data is a set of records for a practice org to begin with.
type Data struct {
	Records []Seed
}

// Seed is one record of a data set. Fields may be read-only ones (CreatedDate, IsConverted); a value "@ref" stands
// for the id of the record with that Ref, which must come earlier.
type Seed struct {
	Type   string
	Ref    string
	Fields map[string]any
}

// LoadData reads a seed file in one of three JSON forms: {"records": […]} as `sf data export tree` writes it, an
// array of records, or one record per line (NDJSON). A record is {"attributes": {"type": "Contact", "referenceId":
// "fred"}, "LastName": "Bloggs", "AccountId": "@acme"}. The file seeds the org; nothing is written back to it.
func LoadData(r io.Reader) (*Data, error) {
	next := jsonSeeds(r)
	data := &Data{}
	for {
		seed, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("record %d of the data file: %w", len(data.Records)+1, err)
		}
		data.Records = append(data.Records, seed)
	}
	if len(data.Records) == 0 {
		return nil, errors.New("the data file holds no records")
	}
	return data, nil
}

func (d *Data) take(v any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := d.take(e); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		if list, isTree := v["records"].([]any); isTree && v["attributes"] == nil {
			return d.take(list)
		}
		att, _ := v["attributes"].(map[string]any)
		kind, _ := att["type"].(string)
		if kind == "" {
			short, _ := json.Marshal(v)
			return fmt.Errorf("it has no attributes.type: %.120s", short)
		}
		reference, _ := att["referenceId"].(string)
		fields := maps.Clone(v)
		delete(fields, "attributes")
		d.Records = append(d.Records, Seed{Type: kind, Ref: reference, Fields: fields})
		return nil
	}
	return errors.New("it is not an object")
}

// WriteTo writes the data set as NDJSON, in the form that LoadData reads.
func (d *Data) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for _, seed := range d.Records {
		m := maps.Clone(seed.Fields)
		att := map[string]any{"type": seed.Type}
		if seed.Ref != "" {
			att["referenceId"] = seed.Ref
		}
		m["attributes"] = att
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m); err != nil {
			return n, err
		}
		k, err := buf.WriteTo(w)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// add appends a record and returns the reference that others use for it.
func (d *Data) add(kind, ref string, fields map[string]any) string {
	d.Records = append(d.Records, Seed{Type: kind, Ref: ref, Fields: fields})
	return "@" + ref
}

// load puts data sets into the empty store. A user with a Username that exists already replaces its fields.
func (s *Server) load(sets ...*Data) error {
	refs := make(map[string]string)
	w := &writer{seed: true}
	n := 0
	for _, d := range sets {
		for _, seed := range d.Records {
			n++
			if err := s.loadOne(seed, refs, w); err != nil {
				return fmt.Errorf("record %d of the data (%s %s): %w", n, seed.Type, seed.Ref, err)
			}
		}
	}
	return nil
}

func (s *Server) loadOne(seed Seed, refs map[string]string, w *writer) error {
	o := s.store.schema.object(seed.Type)
	if o == nil {
		return fmt.Errorf("there is no object %q", seed.Type)
	}
	fields := make(map[string]any, len(seed.Fields))
	for k, v := range seed.Fields {
		if text, isText := v.(string); isText && strings.HasPrefix(text, "@") && (strings.HasSuffix(k, "Id") || strings.HasSuffix(k, "__c")) {
			id, known := refs[text[1:]]
			if !known {
				return fmt.Errorf("%s refers to %s, which does not come before it", k, text)
			}
			v = id
		}
		fields[k] = v
	}
	if id, given := fields["Id"].(string); given {
		key, valid := canonicalID(id)
		if !valid || key[:3] != o.prefix || s.store.find(id) != nil {
			return fmt.Errorf("%q is not a free %s id", id, o.name)
		}
		fields["Id"] = id18(key)
	}
	if w.user == "" {
		w.user = s.agentID()
	}
	var r *record
	if name, _ := fields["Username"].(string); o.name == "User" && s.userNamed(name) != nil {
		r = s.userNamed(name)
		delete(fields, "Id")
		if err := s.store.update(r, fields, w); err != nil {
			return err
		}
		s.store.late.forget(r)
	} else {
		var err error
		if r, err = s.store.insert(o, fields, w); err != nil {
			return err
		}
	}
	if seed.Ref != "" {
		refs[seed.Ref] = r.id
	}
	return nil
}

// agentID is the id of the practice agent, "" while the org is still empty.
func (s *Server) agentID() string {
	if u := s.userNamed(AgentUsername); u != nil {
		return u.id
	}
	return ""
}
