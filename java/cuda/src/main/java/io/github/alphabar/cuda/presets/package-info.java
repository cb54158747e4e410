// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** What the bindings are generated from, for the build; not part of the API. */
package io.github.alphabar.cuda.presets;
