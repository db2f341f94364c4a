package device

import (
	"maps"
	"os"

	"offhook/internal/text"
)

// Option is one device that a person may choose for a role.
type Option struct {
	Value   string    // for Choose
	Name    text.Text // for people
	Default bool      // the sound server's own choice
	Chosen  bool      // what the settings, or Choose, say
	InUse   bool      // what serves now, or would
	Missing bool      // chosen, but not there
}

// Options are the devices that a person may choose from for a role: the default first, then what the sound server has,
// monitors left out; for the ring also the terminal's bell and nothing. What is chosen is among them even when it is not
// there.
func (s *Set) Options(role Role) []Option {
	s.mu.Lock()
	chosen, value, srv := s.choices[role], s.values[role], s.server
	s.mu.Unlock()
	named := chosen.kind == kindServer
	var d devices
	if srv != nil {
		d = srv.snapshot()
	}
	standard, _ := d.standard(role != Input)
	used := standard.Name
	found := chosen.name == ""
	if named && !found {
		if i, err := d.find(role, chosen.name); err == nil {
			used, found = i.Name, true
		}
	}
	first := Option{Value: "default", Name: text.Clean("Default"), Chosen: named && chosen.name == ""}
	if !standard.Description.Empty() {
		first.Name = text.Clean("Default (" + standard.Description.String() + ")")
	}
	out := []Option{first}
	for _, i := range d.infos() {
		if i.Output != (role != Input) || i.Monitor && i.Name != used {
			continue
		}
		out = append(out, Option{Value: i.Name, Name: i.Description, Default: i.Default, InUse: named && i.Name == used,
			Chosen: named && chosen.name != "" && i.Name == used && found})
	}
	switch {
	case named && !found:
		out = append(out, Option{Value: chosen.name, Name: text.Clean(chosen.name).Truncate(100), Chosen: true, Missing: true})
	case !named && chosen.kind != kindBell && chosen.kind != kindOff:
		out = append(out, Option{Value: value, Name: text.Clean(value), Chosen: true, InUse: true})
	}
	if role == Ring {
		out = append(out, Option{Value: "bell", Name: text.Clean("Terminal bell"), Chosen: chosen.kind == kindBell, InUse: chosen.kind == kindBell},
			Option{Value: "off", Name: text.Clean("No ring"), Chosen: chosen.kind == kindOff, InUse: chosen.kind == kindOff})
	}
	return out
}

// Choose changes the device of a role to what a setting would say; streams that are opened from now on are on it. Streams
// that run stay where they are: a headset is moved by its Switch, the ring changes with its next ring. The errors are
// those of Open, and change nothing.
func (s *Set) Choose(role Role, value string) error {
	c, err := parse(role, value)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	switch {
	case c.kind == kindServer && s.server == nil:
		if err := s.openServer(s.spec, map[Role]string{role: c.name}); err != nil {
			return err
		}
	case c.kind == kindServer && c.name != "":
		if v := s.server.view.Load(); v.up {
			if _, err := v.find(role, c.name); err != nil {
				return err
			}
		}
	case c.kind == kindFile && role == Input:
		clip, err := loadClip(c)
		if err != nil {
			return &SpecError{Role: role, Value: value, Why: reason(err), Err: err}
		}
		s.input = clip
	case c.kind == kindFile && s.file[c.path] == nil:
		r, err := newRecording(c.path, s.events)
		if err != nil {
			return &SpecError{Role: role, Value: value, Why: reason(err), Err: err}
		}
		s.file[c.path] = r
	}
	if s.server != nil {
		s.server.choose(role, c.name, c.kind == kindServer)
	}
	s.choices, s.values = maps.Clone(s.choices), maps.Clone(s.values)
	if s.values == nil {
		s.values = make(map[Role]string)
	}
	s.choices[role], s.values[role] = c, value
	return nil
}

// choice is what is chosen for a role now.
func (s *Set) choice(role Role) choice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.choices[role]
}

// choose tells the server what a role wants from now on. It does not wait.
func (s *server) choose(role Role, name string, used bool) {
	s.work.put(func() {
		s.wanted = maps.Clone(s.wanted)
		if delete(s.wanted, role); used {
			s.wanted[role] = name
		}
		delete(s.told, role)
		if cause, _ := s.trouble(role, name); used && !cause.Empty() {
			s.assess()
		} else {
			s.told[role] = text.Text{}
			s.publish()
		}
	})
}

// getenv reads the environment as the settings say.
func (s Spec) getenv() func(string) string {
	if s.Getenv != nil {
		return s.Getenv
	}
	return os.Getenv
}
