// Notes rise as they sound: a sketch for p5.js, https://editor.p5js.org. Paste it over sketch.js there.
//   notewire run
//   notewire page --origin https://preview.p5js.org
const door = "ws://127.0.0.1:5580/", speed = 0.15; // pixels a millisecond
const notes = new Map(); // id of a note -> the note, and when it began and ended here

function setup() {
  createCanvas(windowWidth, windowHeight);
  colorMode(HSB, 12, 100, 100);
  noStroke();
  connect();
}
function connect() {
  const socket = new WebSocket(door);
  socket.onmessage = event => hear(JSON.parse(event.data).body ?? {});
  socket.onclose = () => { end(() => true); setTimeout(connect, 1000); };
}
function hear(message) {
  if (message.type === "note_on") begin(message);
  if (message.type === "note_off" || message.type === "note_revoke") end(id => id === message.id);
  if (message.type === "health") { // once a second, and first of all: everything that sounds
    const held = new Set(message.held.map(note => note.id));
    end(id => !held.has(id));
    message.held.filter(note => !notes.has(note.id)).forEach(begin);
  }
}
function begin(note) {
  notes.set(note.id, { ...note, begun: millis() });
}
function end(which) {
  for (const [id, note] of notes) if (which(id)) note.ended ??= millis();
}
function draw() {
  background(0, 0, 9);
  for (const [id, { pitch, velocity, begun, ended }] of notes) {
    const tail = height - (millis() - begun) * speed, head = height - (millis() - (ended ?? millis())) * speed;
    fill(pitch % 12, 70, 40 + velocity / 2); // a colour for each note of the octave
    rect((pitch - 21) / 88 * width, tail, width / 88, head - tail, 4);
    if (head < 0) notes.delete(id);
  }
}
