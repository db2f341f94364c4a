package device

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"offhook/internal/text"
)

// requestLimit is how long the server may take for a reply; after that the connection is given up, because a reply
// that comes later is written into memory that is in use again.
const requestLimit = time.Second

// maxName bounds every name in a request: the library panics on a request of more than 1024 bytes.
const maxName = 200

// conn is one connection to a sound server. Requests are made by one goroutine at a time (the server's).
type conn struct {
	link   *link
	client *proto.Client
	inbox  *mailbox[any] // messages of the server, as pointers to proto's types
	rtt    time.Duration // of one request on an idle connection
	local  bool          // on a Unix socket
	sync   uint32        // of the last playback stream

	// Streams by index, replaced as a whole by the server's goroutine and read by the reader's.
	mics     atomic.Pointer[map[uint32]*intake]
	speakers atomic.Pointer[map[uint32]*pipe]
}

// dialPulse connects, signs in and subscribes.
func dialPulse(a address, cookie []byte) (*conn, error) {
	sock, err := a.dial()
	if err != nil {
		return nil, err
	}
	c := newConn(a.network == "unix", func(pcm func(uint32, []byte)) *link { return newLink(sock, pcm) })
	if err := c.signIn(cookie); err != nil {
		c.link.fail(err)
		return nil, c.reason(err)
	}
	return c, nil
}

// reason is why a request failed: the link knows more than the library, to which every end is io.EOF.
func (c *conn) reason(err error) error {
	if why := c.link.why(); why != nil && errors.Is(err, io.EOF) {
		return why
	}
	return err
}

func newConn(local bool, wire func(pcm func(uint32, []byte)) *link) *conn {
	c := &conn{inbox: newMailbox[any](), client: &proto.Client{}, local: local}
	c.mics.Store(&map[uint32]*intake{})
	c.speakers.Store(&map[uint32]*pipe{})
	c.link = wire(func(stream uint32, pcm []byte) {
		if m := (*c.mics.Load())[stream]; m != nil {
			m.feed(pcm)
		}
	})
	c.client.SetTimeout(requestLimit) // zero fails every request at once
	c.client.Callback = c.receive     // before Open: the reader calls it without looking
	c.client.Open(c.link)
	return c
}

// receive runs on the reader's goroutine. Only the demand for sound is answered at once; a request made here would
// wait for itself.
func (c *conn) receive(msg any) {
	if r, ok := msg.(*proto.Request); ok {
		if p := (*c.speakers.Load())[r.StreamIndex]; p != nil {
			p.demand(r.Length)
		}
		return
	}
	c.inbox.put(msg)
}

func (c *conn) signIn(cookie []byte) error {
	var auth proto.AuthReply
	if err := c.request(&proto.Auth{Version: protocolVersion, Cookie: cookie}, &auth); err != nil {
		return err
	}
	c.client.SetVersion(auth.Version)
	c.link.version.Store(uint32(c.client.Version().Version()))
	props := proto.PropList{
		"application.name":      proto.PropListString("offhook"),
		"application.id":        proto.PropListString("offhook"),
		"application.icon_name": proto.PropListString("call-start"),
	}
	if err := c.request(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{}); err != nil {
		return err
	}
	mask := proto.SubscriptionMaskSink | proto.SubscriptionMaskSource | proto.SubscriptionMaskServer
	return c.request(&proto.Subscribe{Mask: mask}, nil)
}

// request makes one request. Refusals of the server are proto.Error; every other error ends the connection.
func (c *conn) request(req proto.RequestArgs, reply proto.Reply) (err error) {
	defer func() {
		if r := recover(); r != nil { // the library's answer to a request that is too long
			err = fmt.Errorf("sound server request: %v", r)
		}
	}()
	err = c.client.Request(req, reply)
	var refused proto.Error
	if err != nil && !errors.As(err, &refused) {
		c.link.fail(err)
	}
	return err
}

func (c *conn) close() { c.link.fail(errClosed) }

// devices asks for everything that is plugged in. The server answers one question after the other: when the default is not
// in the lists, a device went away or came between two answers, and nobody is to hear that there is no loudspeaker. Then it
// is asked again; some servers name a default that does not exist, and are believed in the end.
func (c *conn) devices() (d devices, err error) {
	for range 3 {
		var whole bool
		if d, whole, err = c.look(); err != nil || whole {
			break
		}
	}
	return d, err
}

// look asks once, and tells whether the answers fit together.
func (c *conn) look() (d devices, whole bool, err error) {
	began := time.Now()
	var info proto.GetServerInfoReply
	if err := c.request(&proto.GetServerInfo{}, &info); err != nil {
		return devices{}, false, err
	}
	if took := time.Since(began); c.rtt == 0 || took < c.rtt {
		c.rtt = took
	}
	var sinks proto.GetSinkInfoListReply
	if err := c.request(&proto.GetSinkInfoList{}, &sinks); err != nil {
		return devices{}, false, err
	}
	var sources proto.GetSourceInfoListReply
	if err := c.request(&proto.GetSourceInfoList{}, &sources); err != nil {
		return devices{}, false, err
	}
	d = devices{
		server: text.Clean(info.PackageName + " " + info.PackageVersion).Truncate(60),
		host:   text.Clean(info.Hostname).Truncate(60),
	}
	for _, s := range sinks {
		d.all = append(d.all, Info{
			Name: s.SinkName, Output: true, module: s.ModuleIndex, Default: s.SinkName == info.DefaultSinkName,
			Description: description(s.Properties, s.SinkName),
		})
	}
	for _, s := range sources {
		d.all = append(d.all, Info{
			Name: s.SourceName, module: s.ModuleIndex, Default: s.SourceName == info.DefaultSourceName,
			Description: description(s.Properties, s.SourceName),
			Monitor:     s.MonitorSourceIndex != proto.Undefined,
		})
	}
	_, output := d.byName(true, info.DefaultSinkName)
	_, input := d.byName(false, info.DefaultSourceName)
	return d, (output || info.DefaultSinkName == "") && (input || info.DefaultSourceName == ""), nil
}

func description(p proto.PropList, name string) text.Text {
	if d, ok := p["device.description"]; ok {
		if t := text.Clean(d.String()); !t.Empty() {
			return t.Truncate(100)
		}
	}
	return text.Clean(name).Truncate(100)
}

// spec is the one sample format; the server resamples.
func spec() proto.SampleSpec {
	return proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 1, Rate: Rate}
}

const fragment = 5 * time.Millisecond // §4.2 of the measurements: 5 ms fragments give the least delay

func bytesOf(d time.Duration) uint32 { return uint32(d*Rate/time.Second) * 2 }

func lengthOf(bytes uint32) time.Duration { return time.Duration(bytes/2) * time.Second / Rate }

func streamProps(r Role) proto.PropList {
	// The role keeps music players quiet during a call. The ring has none: people mute "event" sounds, and a shared
	// role would make the server remember one device for ring and talk.
	if r == Ring {
		return proto.PropList{
			"media.name":       proto.PropListString("Incoming call"),
			"application.name": proto.PropListString("offhook ring"),
		}
	}
	return proto.PropList{
		"media.name": proto.PropListString("Call"),
		"media.role": proto.PropListString("phone"),
	}
}

// record opens a stream from the named source (empty: the default).
func (c *conn) record(source string) (*proto.CreateRecordStreamReply, error) {
	r := &proto.CreateRecordStreamReply{}
	err := c.request(&proto.CreateRecordStream{
		SampleSpec: spec(), ChannelMap: proto.ChannelMap{proto.ChannelMono},
		SourceIndex: proto.Undefined, SourceName: source,
		BufferMaxLength: proto.Undefined, BufferFragSize: bytesOf(fragment), AdjustLatency: true,
		Properties: streamProps(Input), DirectOnInputIndex: proto.Undefined,
		ChannelVolumes: proto.ChannelVolumes{uint32(proto.VolumeNorm)},
	}, r)
	return r, err
}

// play opens a stream to the named sink (empty: the default) with so much sound ahead.
func (c *conn) play(sink string, target time.Duration, role Role) (*proto.CreatePlaybackStreamReply, error) {
	r := &proto.CreatePlaybackStreamReply{}
	// Streams with one SyncID start and stop together and must be on one device: the ring would be refused.
	c.sync++
	err := c.request(&proto.CreatePlaybackStream{
		SyncID:     c.sync,
		SampleSpec: spec(), ChannelMap: proto.ChannelMap{proto.ChannelMono},
		SinkIndex: proto.Undefined, SinkName: sink,
		BufferMaxLength: proto.Undefined, BufferTargetLength: bytesOf(target),
		BufferPrebufferLength: proto.Undefined, BufferMinimumRequest: bytesOf(fragment),
		ChannelVolumes: proto.ChannelVolumes{uint32(proto.VolumeNorm)},
		AdjustLatency:  true, Properties: streamProps(role),
	}, r)
	return r, err
}

// retarget changes how much sound a playing stream keeps ahead.
func (c *conn) retarget(stream uint32, target time.Duration) error {
	return c.request(&proto.SetPlaybackStreamBufferAttr{
		StreamIndex: stream, BufferMaxLength: proto.Undefined, BufferTargetLength: bytesOf(target),
		BufferPrebufferLength: proto.Undefined, BufferMinimumRequest: bytesOf(fragment), AdjustLatency: true,
	}, &proto.SetPlaybackStreamBufferAttrReply{})
}

// target is how much sound to keep ahead of the loudspeaker: 20 ms on this machine, more over a network.
func (c *conn) target() time.Duration {
	if c.rtt < 3*time.Millisecond {
		return 20 * time.Millisecond
	}
	return min(40*time.Millisecond+c.rtt*3/2, maxTarget)
}

const maxTarget = 400 * time.Millisecond
