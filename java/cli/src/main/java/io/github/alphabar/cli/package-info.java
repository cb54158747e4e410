// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/** The command line: {@link io.github.alphabar.cli.Main} and its commands. */
package io.github.alphabar.cli;
