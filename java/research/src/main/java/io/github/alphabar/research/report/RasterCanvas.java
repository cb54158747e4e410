// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Draws pixels, twice as many as the plot's own in each direction, on white. */
final class RasterCanvas implements Canvas {
    private static final int SCALE = 2;

    private final BufferedImage image;
    private final Graphics2D g;

    RasterCanvas(double width, double height) {
        image = new BufferedImage((int) Math.ceil(width * SCALE), (int) Math.ceil(height * SCALE),
                BufferedImage.TYPE_INT_RGB);
        g = image.createGraphics();
        g.setColor(Color.WHITE);
        g.fillRect(0, 0, image.getWidth(), image.getHeight());
        g.scale(SCALE, SCALE);
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    }

    private static Color colour(Ink ink) {
        return Color.decode(switch (ink) {
            case TEXT -> "#1b1b1b";
            case FAINT -> "#5c5c5c";
            case GRID -> "#dedede";
            case FRAME -> "#8a8a8a";
        });
    }

    private static Color colour(Style style) {
        return Color.decode(Style.LIGHT[style.colour()]);
    }

    @Override
    public void line(double x1, double y1, double x2, double y2, Ink ink) {
        g.setColor(colour(ink));
        g.setStroke(new BasicStroke(1));
        g.draw(new Line2D.Double(x1, y1, x2, y2));
    }

    @Override
    public void series(double[][] points, Style style) {
        g.setColor(colour(style));
        float[] dash = style.dash() == 1 ? new float[] {6, 3} : new float[] {1.5f, 3};
        g.setStroke(style.dash() == 0 ? new BasicStroke(1.6f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND)
                : new BasicStroke(1.6f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, dash, 0));
        Path2D path = new Path2D.Double();
        for (int i = 0; i < points.length; i++) {
            if (i == 0) {
                path.moveTo(points[i][0], points[i][1]);
            } else {
                path.lineTo(points[i][0], points[i][1]);
            }
        }
        g.draw(path);
        g.setStroke(new BasicStroke(1.8f));
        for (double[] p : points) {
            marker(p[0], p[1], style);
        }
    }

    private void marker(double x, double y, Style style) {
        double[][] shape = Markers.outline(style.marker());
        if (style.marker() == 4) {
            for (int i = 0; i < shape.length; i += 2) {
                g.draw(new Line2D.Double(x + shape[i][0], y + shape[i][1], x + shape[i + 1][0],
                        y + shape[i + 1][1]));
            }
            return;
        }
        Path2D path = new Path2D.Double();
        path.moveTo(x + shape[0][0], y + shape[0][1]);
        for (double[] p : shape) {
            path.lineTo(x + p[0], y + p[1]);
        }
        path.closePath();
        g.fill(path);
    }

    @Override
    public void whisker(double x, double low, double high, Style style) {
        g.setColor(colour(style));
        g.setStroke(new BasicStroke(1));
        g.draw(new Line2D.Double(x, low, x, high));
    }

    @Override
    public void text(double x, double y, String text, Anchor anchor, double size, Ink ink) {
        g.setColor(colour(ink));
        g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 1).deriveFont((float) size));
        FontMetrics metrics = g.getFontMetrics();
        double width = metrics.stringWidth(text);
        double left = switch (anchor) {
            case START -> x;
            case MIDDLE -> x - width / 2;
            case END -> x - width;
        };
        g.drawString(text, (float) left, (float) y);
    }

    @Override
    public void upwards(double x, double y, String text, double size, Ink ink) {
        AffineTransform before = g.getTransform();
        g.translate(x, y);
        g.rotate(-Math.PI / 2);
        text(0, 0, text, Anchor.MIDDLE, size, ink);
        g.setTransform(before);
    }

    @Override
    public void bar(double x, double y, double width, double height, Style style) {
        Color c = colour(style);
        g.setColor(new Color(c.getRed(), c.getGreen(), c.getBlue(), 191));
        g.fill(new Rectangle2D.Double(x, y, width, height));
    }

    byte[] png() {
        g.dispose();
        return png(image);
    }

    static byte[] png(BufferedImage image) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            ImageIO.write(image, "png", out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
