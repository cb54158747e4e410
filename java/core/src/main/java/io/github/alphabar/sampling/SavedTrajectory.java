// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * The bytes of a saved trajectory: a header that names the plan and the shape, the seeds, the slots (each in the machine's byte
 * order, which the header names too), a checksum.
 */
record SavedTrajectory(int cursor, long[] seeds, List<HostTensor> slots) {
    private static final long MAGIC = 0x616c706861626172L; // "alphabar"
    private static final int VERSION = 1;
    private static final int PIECE = 1 << 16;

    static void write(OutputStream target, SamplingPlan plan, int samples, long elements, int cursor, long[] seeds,
            HostTensor[] slots)
            throws IOException {
        CheckedOutputStream checked = new CheckedOutputStream(target, new CRC32());
        DataOutputStream out = new DataOutputStream(checked);
        out.writeLong(MAGIC);
        out.writeInt(VERSION);
        out.writeBoolean(java.nio.ByteOrder.nativeOrder() == java.nio.ByteOrder.LITTLE_ENDIAN);
        out.writeLong(plan.fingerprint());
        out.writeInt(slots[0].dtype().ordinal());
        out.writeInt(samples);
        out.writeLong(elements);
        out.writeInt(slots.length);
        out.writeInt(cursor);
        for (long seed : seeds) {
            out.writeLong(seed);
        }
        byte[] piece = new byte[PIECE];
        for (HostTensor slot : slots) {
            long size = slot.segment().byteSize();
            for (long at = 0; at < size; at += PIECE) {
                int length = (int) Math.min(PIECE, size - at);
                MemorySegment.ofArray(piece).asSlice(0, length).copyFrom(slot.segment().asSlice(at, length));
                out.write(piece, 0, length);
            }
        }
        out.flush();
        long sum = checked.getChecksum().getValue();
        new DataOutputStream(target).writeLong(sum);
        target.flush();
    }

    static SavedTrajectory read(InputStream source, SamplingPlan plan, DType dtype, int samples, long elements)
            throws IOException {
        CheckedInputStream checked = new CheckedInputStream(source, new CRC32());
        DataInputStream in = new DataInputStream(checked);
        try {
            expect(in.readLong() == MAGIC, "it does not begin as a saved trajectory does");
            int version = in.readInt();
            expect(version == VERSION, "its version is " + version + " and this library reads " + VERSION);
            expect(in.readBoolean() == (java.nio.ByteOrder.nativeOrder() == java.nio.ByteOrder.LITTLE_ENDIAN),
                    "it was saved on a machine with the other byte order");
            expect(in.readLong() == plan.fingerprint(),
                    "it was saved under another plan; give the plan it was started with");
            int type = in.readInt();
            expect(type == dtype.ordinal(), "its dtype is not " + dtype);
            int savedSamples = in.readInt();
            long savedElements = in.readLong();
            expect(savedSamples == samples && savedElements == elements,
                    "it has " + savedSamples + " samples of " + savedElements
                            + " elements, not " + samples + " of " + elements);
            expect(in.readInt() == plan.slots(), "its number of slots is not the plan's");
            int cursor = in.readInt();
            expect(cursor >= 0 && cursor <= plan.evaluations(), "its place " + cursor + " is outside the plan");
            long[] seeds = new long[samples];
            for (int i = 0; i < samples; i++) {
                seeds[i] = in.readLong();
            }
            List<HostTensor> slots = new ArrayList<>();
            byte[] piece = new byte[PIECE];
            for (int i = 0; i < plan.slots(); i++) {
                HostTensor slot = HostTensor.allocate(dtype, Math.multiplyExact(samples, elements));
                long size = slot.segment().byteSize();
                for (long at = 0; at < size; at += PIECE) {
                    int length = (int) Math.min(PIECE, size - at);
                    in.readFully(piece, 0, length);
                    slot.segment().asSlice(at, length).copyFrom(MemorySegment.ofArray(piece).asSlice(0, length));
                }
                slots.add(slot);
            }
            long sum = checked.getChecksum().getValue();
            expect(in.readLong() == sum, "its checksum is wrong: the bytes were changed");
            return new SavedTrajectory(cursor, seeds, slots);
        } catch (EOFException e) {
            throw new IOException("The saved trajectory cannot be restored: it ends early.", e);
        }
    }

    private static void expect(boolean good, String otherwise) throws IOException {
        if (!good) {
            throw new IOException("The saved trajectory cannot be restored: " + otherwise + ".");
        }
    }
}
