// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Tables, plots and pages: SVG, PNG, CSV, Markdown and one HTML file that needs no network. */
package io.github.alphabar.research.report;
