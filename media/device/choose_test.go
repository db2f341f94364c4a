package device

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

func dialFake(answer func(op, tag uint32) []byte) func() (*conn, error) {
	return func() (*conn, error) {
		c, _ := pipeTo(answer)
		return c, c.signIn(make([]byte, cookieSize))
	}
}

func TestDevicesAreChosenWhileTheProgramRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := virtual(t, map[Role]choice{Input: {}, Output: {}, Ring: {}}, dialFake(nil))
		set.file = make(map[string]*recording)
		defer set.Close()
		names := func(role Role, ok func(Option) bool) (out []string) {
			for _, o := range set.Options(role) {
				if ok(o) {
					out = append(out, o.Value)
				}
			}
			return out
		}
		check := func(what string, got, want []string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		every := func(Option) bool { return true }
		check("microphones", names(Input, every), []string{"default", "mic"})
		check("rings", names(Ring, every), []string{"default", "spk", "bell", "off"})
		check("chosen", names(Input, func(o Option) bool { return o.Chosen }), []string{"default"})
		check("in use", names(Input, func(o Option) bool { return o.InUse }), []string{"mic"})
		if o := set.Options(Output)[0]; o.Name.String() != "Default (Speaker)" {
			t.Errorf("the default is called %q", o.Name)
		}

		var unknown *UnknownError
		if err := set.Choose(Output, "Jabra"); !errors.As(err, &unknown) {
			t.Errorf("a device that is not there: %v", err)
		}
		var wrong *SpecError
		if err := set.Choose(Input, "tone:x"); !errors.As(err, &wrong) {
			t.Errorf("nonsense: %v", err)
		}
		check("after refusals", names(Output, func(o Option) bool { return o.Chosen }), []string{"default"})

		if err := set.Choose(Output, "Speaker"); err != nil {
			t.Fatal(err)
		}
		check("by description", names(Output, func(o Option) bool { return o.Chosen && o.InUse }), []string{"spk"})
		if err := set.Choose(Ring, "bell"); err != nil || !set.RingBell() {
			t.Errorf("the bell does not ring: %v", err)
		}
		set.Ringer().Start()
		if set.ringer.(*ringer).play != nil {
			t.Error("the ring sounds although the bell is chosen")
		}
		path := filepath.Join(t.TempDir(), "out.wav")
		if err := set.Choose(Output, "file:"+path); err != nil {
			t.Fatal(err)
		}
		check("a file", names(Output, func(o Option) bool { return o.Chosen && o.InUse }), []string{"file:" + path})
		if _, ok := set.Playback().(*filePlayback); !ok {
			t.Error("the playback is no file")
		}
		if err := set.Choose(Input, "null"); err != nil || !set.NoMicrophone() {
			t.Errorf("no microphone is wanted: %v", err)
		}
		if err := set.Choose(Input, "tone:440"); err != nil || set.NoMicrophone() {
			t.Fatal(err)
		}
		if got := set.Describe().String(); !strings.HasPrefix(got, "a tone as microphone") {
			t.Errorf("Describe says %q", got)
		}
		synctest.Wait()
	})
}

func TestAServerWithoutAnEchoCancellerIsToldOnceAndTheCallGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loads := 0
		set := virtual(t, map[Role]choice{Input: {}, Output: {}}, dialFake(func(op, tag uint32) []byte {
			if op == proto.OpLoadModule {
				loads++
				return frame(proto.OpError, tag, binary.BigEndian.AppendUint32([]byte{'L'}, 19))
			}
			return nil
		}))
		set.server.work.put(func() { set.server.echo = newEcho(true) })
		for range 2 {
			c, p := set.Capture(), set.Playback()
			c.Start(func([]int16) {})
			p.Start(func([]int16) {})
			time.Sleep(time.Second)
			synctest.Wait()
			if c.Name().String() != "Mic" || p.Name().String() != "Speaker" {
				t.Errorf("the call is on %q and %q", c.Name(), p.Name())
			}
			c.Close()
			p.Close()
		}
		if loads != 2 { // with and without the arguments
			t.Errorf("%d attempts", loads)
		}
		set.Close()
		told := 0
		for e := range set.Events() {
			if e.Kind == EchoFailed && strings.Contains(e.Cause.String(), "echo canceller") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

func TestADeviceThatComesWhileACancellerIsLoadedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loaded := false
		set := virtual(t, map[Role]choice{Input: {}, Output: {}}, dialFake(func(op, tag uint32) []byte {
			name := func(s string) proto.PropList { return proto.PropList{"device.description": proto.PropListString(s)} }
			switch {
			case op == proto.OpLoadModule:
				loaded = true
				return frame(proto.OpReply, tag, args(proto.LoadModuleReply{ModuleIndex: 7}))
			case op == proto.OpGetSinkInfoList && loaded:
				formats := []proto.FormatInfo{{Encoding: 1}}
				return frame(proto.OpReply, tag, args(proto.GetSinkInfoReply{SinkName: "spk", Properties: name("Speaker"), Formats: formats},
					proto.GetSinkInfoReply{SinkName: "jabra", Properties: name("Jabra"), Formats: formats}))
			}
			return nil
		}))
		set.server.work.put(func() { set.server.echo = newEcho(true) })
		c := set.Capture()
		c.Start(func([]int16) {})
		synctest.Wait()
		if len(set.Events()) != 1 {
			t.Fatalf("%d events", len(set.Events()))
		}
		if e := <-set.Events(); e.Kind != Added || !e.Output || e.Name.String() != "Jabra" {
			t.Errorf("event %+v", e)
		}
		c.Close()
		set.Close()
	})
}

func TestEchoCancelIsOffOrServer(t *testing.T) {
	for value, ok := range map[string]bool{"": true, "off": true, "server": true, "on": false} {
		if err := (Spec{EchoCancel: value}).Check(); (err == nil) != ok {
			t.Errorf("%q: %v", value, err)
		}
	}
}
