// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/** The backends {@code native} and {@code cuda}: libalphabar, bound by JavaCPP. */
module io.github.alphabar.cuda {
    requires transitive io.github.alphabar;
    requires transitive org.bytedeco.javacpp;

    exports io.github.alphabar.cuda;

    provides io.github.alphabar.backend.BackendProvider
            with io.github.alphabar.cuda.NativeBackend.Provider, io.github.alphabar.cuda.CudaBackend.Provider;
}
