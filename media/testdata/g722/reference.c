/* The reference of g722_test.go: what libspandsp makes of the test signal.
 *
 *   cc -o reference reference.c -lspandsp && ./reference ../../prompts/audio/pause.en.wav
 *
 * (Debian: libspandsp-dev) writes in.pcm, in.g722 (in.pcm encoded), in.out.pcm (that decoded) and noise.out.pcm (bytes
 * of the same generator decoded). PCM is 16 kHz, mono, 16 bit, little endian. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <spandsp.h>

enum { SYNTH = 7200, SPEECH = 8000, BYTES = 2000 };

static uint32_t seed = 1;

static int next(void) { /* -32768 .. 32767 */
	seed = seed * 1664525u + 1013904223u;
	return (int16_t) (seed >> 16);
}

static void save(const char *name, const void *data, size_t size) {
	FILE *f = fopen(name, "wb");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f)) {
		perror(name);
		exit(1);
	}
}

int main(int argc, char **argv) {
	static int16_t in[SYNTH + SPEECH], out[2 * (SYNTH + SPEECH)];
	static uint8_t code[SYNTH + SPEECH];
	int n = 0, i;
	for (i = 0; i < 400; i++) in[n++] = 0;                             /* silence */
	for (i = 0; i < 1200; i++) in[n++] = (int16_t) (next() / 512);      /* soft noise */
	for (i = 0; i < 1200; i++) in[n++] = (int16_t) (next() / 8);        /* loud noise */
	for (i = 0; i < 1200; i++) in[n++] = (int16_t) next();              /* noise at full scale */
	for (i = 0; i < 800; i++) in[n++] = i / 16 % 2 ? 32767 : -32768;     /* square wave at full scale */
	for (i = 0; i < 800; i++) in[n++] = i % 2 ? 32767 : -32768;          /* the same at 8 kHz */
	for (i = 0; i < 1600; i++) in[n++] = (int16_t) ((i * i / 8 % 2000 - 1000) * 20); /* sweep */
	if (argc < 2) return 2;
	FILE *f = fopen(argv[1], "rb");
	if (!f || fseek(f, 44 + 2 * 3200, SEEK_SET) || fread(in + n, 2, SPEECH, f) != SPEECH) {
		perror(argv[1]);
		return 1;
	}
	n += SPEECH;
	save("in.pcm", in, 2 * n);
	g722_encode_state_t *e = g722_encode_init(NULL, 64000, 0);
	int bytes = g722_encode(e, code, in, n);
	save("in.g722", code, bytes);
	g722_decode_state_t *d = g722_decode_init(NULL, 64000, 0);
	int samples = g722_decode(d, out, code, bytes);
	save("in.out.pcm", out, 2 * samples);
	for (i = 0; i < BYTES; i++) code[i] = (uint8_t) next();
	save("noise.g722", code, BYTES);
	d = g722_decode_init(NULL, 64000, 0);
	samples = g722_decode(d, out, code, BYTES);
	save("noise.out.pcm", out, 2 * samples);
	return 0;
}
