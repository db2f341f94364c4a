package keymap

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Map is the table of actions with the keys they have in one configuration. It is immutable and safe for any goroutine.
// The zero value has no keys; use Default or New.
type Map struct {
	actions []Action
	names   map[string]int
	keys    map[Context]map[string]int
}

// ConflictError: two actions of one context ask for the same key.
type ConflictError struct {
	Key           string
	First, Second string // action names, in the order of the table
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the key %q is bound to both %s and %s: give one of them another key", e.Key, e.First, e.Second)
}

// UnknownActionError: the configuration binds keys to an action that does not exist.
type UnknownActionError struct{ Name, Suggestion string }

func (e *UnknownActionError) Error() string {
	return fmt.Sprintf("there is no action %q%s", e.Name, e.Suggestion)
}

// BadKeyError: the configuration binds an action to something that is no key.
type BadKeyError struct {
	Action string
	Err    error
}

func (e *BadKeyError) Error() string { return fmt.Sprintf("keys of %s: %v", e.Action, e.Err) }
func (e *BadKeyError) Unwrap() error { return e.Err }

// Default is the map with the default keys.
func Default() Map {
	m, err := New(nil)
	if err != nil {
		panic("keymap: the default keys are wrong: " + err.Error()) // a test proves that they are not
	}
	return m
}

// New is the default map with the keys of some actions replaced: action name → keys. An empty list unbinds an action; it
// stays in the palette. All mistakes are reported together, as ConflictError, UnknownActionError and BadKeyError.
func New(overrides map[string][]string) (Map, error) {
	m := Map{actions: slices.Collect(All()), names: map[string]int{}, keys: map[Context]map[string]int{}}
	for i, a := range m.actions {
		m.names[a.Name] = i
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		i, ok := m.names[name]
		if !ok {
			errs = append(errs, &UnknownActionError{name, didYouMean(name, slices.Sorted(maps.Keys(m.names)))})
			continue
		}
		keys := make([]string, 0, len(overrides[name]))
		for _, k := range overrides[name] {
			n, err := Normalise(k)
			if err != nil {
				errs = append(errs, &BadKeyError{name, err})
				continue
			}
			if m.actions[i].Context.Typing() && Character(n) {
				errs = append(errs, &BadKeyError{name, fmt.Errorf("%q makes a character, which goes into the text here", k)})
				continue
			}
			if m.actions[i].Context == Desk && digit(n) {
				errs = append(errs, &BadKeyError{name, fmt.Errorf("%q picks a call", k)})
				continue
			}
			if !slices.Contains(keys, n) {
				keys = append(keys, n)
			}
		}
		m.actions[i].Keys = keys
	}
	for i, a := range m.actions {
		in := m.keys[a.Context]
		if in == nil {
			in = map[string]int{}
			m.keys[a.Context] = in
		}
		for _, k := range a.Keys {
			if other, taken := in[k]; taken {
				errs = append(errs, &ConflictError{k, m.actions[other].Name, a.Name})
				continue
			}
			in[k] = i
		}
	}
	if len(errs) > 0 {
		return Map{}, errors.Join(errs...)
	}
	return m, nil
}

func digit(key string) bool { return len(key) == 1 && key[0] >= '1' && key[0] <= '9' }

// Find returns the action that a key starts in a context.
func (m Map) Find(in Context, key string) (Action, bool) {
	i, ok := m.keys[in][key]
	if !ok {
		return Action{}, false
	}
	return m.actions[i], true
}

// Action returns the action of that name with its keys in this map.
func (m Map) Action(name string) (Action, bool) {
	i, ok := m.names[name]
	if !ok {
		return Action{}, false
	}
	return m.actions[i], true
}

// Actions lists all actions, in the order of the table. The slice is the caller's to read only.
func (m Map) Actions() []Action { return m.actions }

// Group lists the actions under one heading.
func (m Map) Group(name string) []Action {
	var out []Action
	for _, a := range m.actions {
		if a.Group == name {
			out = append(out, a)
		}
	}
	return out
}

// Key is the first key of an action as help shows it, or nothing when it has none.
func (m Map) Key(name string) string {
	if a, ok := m.Action(name); ok && len(a.Keys) > 0 {
		return Display(a.Keys[0])
	}
	return ""
}

// Plain is the first key of an action that makes no character, as help shows it: it works while text is typed.
func (m Map) Plain(name string) string {
	a, _ := m.Action(name)
	for _, k := range a.Keys {
		if !Character(k) {
			return Display(k)
		}
	}
	return ""
}

// Keys are all keys of an action as help shows them, "a F2".
func (m Map) Keys(name string) string {
	a, _ := m.Action(name)
	out := make([]string, len(a.Keys))
	for i, k := range a.Keys {
		out[i] = Display(k)
	}
	return strings.Join(out, " ")
}
