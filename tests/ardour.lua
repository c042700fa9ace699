-- Ardour without a screen: ardour7-lua ardour.lua FOLDER PORT
-- Records the MIDI port into a new session in FOLDER until FOLDER/stop is there.

local folder, port = arg[1], arg[2]
local PATIENCE, RATE = 50000, 48000 -- microseconds; Hz

local function new_track(session)
  local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
  local stereo = ARDOUR.ChanCount(ARDOUR.DataType("audio"), 2)
  local tracks = session:new_midi_track(midi, stereo, true, ARDOUR.PluginInfo(), nil, nil, 1,
    "Notes", ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
  return tracks:front():to_track()
end

local function record(session, track)
  local input = track:input():nth(0)
  input:disconnect_all()
  assert(input:connect(port) == 0, "there is no port " .. port)
  track:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
  session:maybe_enable_record(false)
  session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
  repeat ARDOUR.LuaAPI.usleep(PATIENCE) until session:transport_rolling()
end

AudioEngine:set_backend("JACK", "", "")
assert(AudioEngine:start() == 0, "no JACK server")
local session = create_session(folder, "take", RATE)
record(session, new_track(session))
print("rolling")
io.stdout:flush()
repeat ARDOUR.LuaAPI.usleep(PATIENCE) until io.open(folder .. "/stop")
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
repeat ARDOUR.LuaAPI.usleep(PATIENCE) until not session:transport_rolling()
ARDOUR.LuaAPI.usleep(20 * PATIENCE) -- it writes what it recorded
session:save_state("", false, false, false, false, false)
close_session()
quit()
